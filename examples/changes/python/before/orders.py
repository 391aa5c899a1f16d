"""Orders of a shop: a small HTTP service over SQLite."""

import os
import sqlite3

from flask import Flask, abort, jsonify

app = Flask(__name__)
DATABASE = os.environ.get("ORDERS_DATABASE", "orders.db")


def connect():
    connection = sqlite3.connect(DATABASE)
    connection.row_factory = sqlite3.Row
    return connection


@app.get("/orders/<int:order_id>")
def show_order(order_id):
    """Returns one order."""
    with connect() as connection:
        row = connection.execute("SELECT id, customer, total FROM orders WHERE id = ?", (order_id,)).fetchone()
    if row is None:
        abort(404)
    return jsonify(dict(row))
