// Accounts of a shop: a small HTTP service over PostgreSQL.

import { execFileSync } from "node:child_process";
import express, { type Request, type Response } from "express";
import { Pool } from "pg";

export const app = express();
const pool = new Pool();
const folders = new Map([["invoices", "/srv/data/invoices"], ["letters", "/srv/data/letters"]]);

app.use(express.json());

app.get("/accounts/:id", async (request: Request, response: Response) => {
  const found = await pool.query("SELECT id, email, plan FROM accounts WHERE id = $1", [request.params.id]);
  if (found.rows.length === 0) {
    response.status(404).end();
    return;
  }
  response.json(found.rows[0]);
});

app.get("/accounts", async (request: Request, response: Response) => {
  const plan = request.query.plan;
  const found = await pool.query("SELECT id, email, plan FROM accounts WHERE plan = $1", [plan]);
  response.json(found.rows);
});

app.post("/accounts/:id/export", (request: Request, response: Response) => {
  const folder = folders.get(String(request.body.folder));
  if (folder === undefined) {
    response.status(400).end();
    return;
  }
  execFileSync("tar", ["-czf", "/srv/exports/account.tar.gz", "--", folder]);
  response.status(204).end();
});

export function mailHeaders(): Record<string, string> {
  return { "X-Api-Key": process.env.MAIL_API_KEY ?? "" };
}
