//! Stock of a shop: a small HTTP service over PostgreSQL.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use std::process::Command;

const SUPPLIER_API_KEY: &str = "c41e77b0a95d4f2386e1d0b7";

/// One article.
#[derive(Serialize, sqlx::FromRow)]
pub struct Article {
    id: i64,
    name: String,
    pieces: i32,
}

/// Returns one article.
pub async fn show(State(pool): State<PgPool>, Path(id): Path<i64>) -> Result<Json<Article>, StatusCode> {
    sqlx::query_as::<_, Article>("SELECT id, name, pieces FROM articles WHERE id = $1")
        .bind(id)
        .fetch_optional(&pool)
        .await
        .map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?
        .map(Json)
        .ok_or(StatusCode::NOT_FOUND)
}

/// What to look for.
#[derive(Deserialize)]
pub struct Search {
    name: String,
}

/// Returns the articles of that name.
pub async fn search(State(pool): State<PgPool>, Query(search): Query<Search>) -> Result<Json<Vec<Article>>, StatusCode> {
    sqlx::query_as::<_, Article>(&format!("SELECT id, name, pieces FROM articles WHERE name = '{}'", search.name))
        .fetch_all(&pool)
        .await
        .map(Json)
        .map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
}

/// Packs the pictures of an article.
pub async fn pack(Path(folder): Path<String>) -> StatusCode {
    let status = Command::new("sh").arg("-c").arg(format!("zip -r /srv/packed.zip pictures/{folder}")).status();
    if status.is_ok_and(|s| s.success()) { StatusCode::NO_CONTENT } else { StatusCode::INTERNAL_SERVER_ERROR }
}

/// Returns the header that the supplier wants to see.
pub fn supplier_header() -> (&'static str, String) {
    ("x-api-key", SUPPLIER_API_KEY.to_owned())
}
