//! Stock of a shop: a small HTTP service over PostgreSQL.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Serialize;
use sqlx::PgPool;

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
