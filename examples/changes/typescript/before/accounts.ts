// Accounts of a shop: a small HTTP service over PostgreSQL.

import express, { type Request, type Response } from "express";
import { Pool } from "pg";

export const app = express();
const pool = new Pool();

app.use(express.json());

app.get("/accounts/:id", async (request: Request, response: Response) => {
  const found = await pool.query("SELECT id, email, plan FROM accounts WHERE id = $1", [request.params.id]);
  if (found.rows.length === 0) {
    response.status(404).end();
    return;
  }
  response.json(found.rows[0]);
});
