//! The control of the services, for tests: by HTTP/1, on loopback.
//!
//! | request | what it does |
//! |---|---|
//! | `PUT /tables/TABLE/entries/KEY` | Produces the document in the body, a JSON object, with the key as its `id`. Answers when the services have handled the record: `{"partition": 0, "offset": 12}`. |
//! | `DELETE /tables/TABLE/entries/KEY` | The same with a tombstone. |
//! | `POST /produce/TABLE/KEY` | The same as `PUT`, and answers when the broker has acknowledged the record. |
//! | `POST /fill/TABLE/PREFIX/COUNT` | The same as `PUT` for so many keys: `PREFIX-00000` and so on. |
//! | `POST /restart` | Stops the service and starts it again on its port. Answers when it is ready. |
//! | `POST /pause`, `POST /continue` | Lets the service stand still, and go on. |
//! | `POST /rotate` | Replaces the certificates of the service with TLS, and those of its callers, by others of a new authority, which the file of authorities then has beside the old one. Answers when new connections get them. |
//!
//! Names and keys in paths are percent-encoded. What fails is answered with status 500 and the reason.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Result;
use axum::Router;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header::CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::{post, put};
use millpond_client::v1::PartitionOffset;
use tokio::net::TcpListener;

use crate::services::Services;

/// What every handler gets: the services.
type Controlled = State<Arc<Services>>;
type Answer = Result<Json, Failure>;

/// Serves until the runtime ends, and returns the address.
pub(crate) async fn serve(services: Arc<Services>) -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let routes = Router::new()
        .route("/tables/{table}/entries/{key}", put(store).delete(delete))
        .route("/produce/{table}/{key}", post(produce))
        .route("/fill/{table}/{prefix}/{count}", post(fill))
        .route("/restart", post(restart))
        .route("/pause", post(pause))
        .route("/continue", post(go_on))
        .route("/rotate", post(rotate))
        .with_state(services);
    tokio::spawn(axum::serve(listener, routes).into_future());
    Ok(address)
}

async fn store(
    State(services): Controlled,
    Path((table, key)): Path<(String, String)>,
    body: String,
) -> Answer {
    Ok(placed(services.put(&table, &key, Some(&body)).await?))
}

async fn delete(State(services): Controlled, Path((table, key)): Path<(String, String)>) -> Answer {
    Ok(placed(services.put(&table, &key, None).await?))
}

async fn produce(
    State(services): Controlled,
    Path((table, key)): Path<(String, String)>,
    body: String,
) -> Answer {
    Ok(placed(services.produce(&table, &key, Some(&body)).await?))
}

async fn fill(
    State(services): Controlled,
    Path((table, prefix, count)): Path<(String, String, usize)>,
    body: String,
) -> Answer {
    services.fill(&table, &prefix, count, &body).await?;
    Ok(done())
}

async fn restart(State(services): Controlled) -> Answer {
    let restarted = Arc::clone(&services);
    tokio::task::spawn_blocking(move || restarted.plain.restart()).await??;
    services.plain.wait_until_ready().await?;
    Ok(done())
}

async fn pause(State(services): Controlled) -> Answer {
    services.plain.pause()?;
    Ok(done())
}

async fn go_on(State(services): Controlled) -> Answer {
    services.plain.go_on()?;
    Ok(done())
}

async fn rotate(State(services): Controlled) -> Answer {
    services.rotate().await?;
    Ok(done())
}

fn placed(position: PartitionOffset) -> Json {
    let PartitionOffset { partition, offset } = position;
    Json(format!(r#"{{"partition":{partition},"offset":{offset}}}"#))
}

fn done() -> Json {
    Json("{}".to_owned())
}

/// An answer in JSON.
struct Json(String);

impl IntoResponse for Json {
    fn into_response(self) -> Response {
        ([(CONTENT_TYPE, "application/json")], self.0).into_response()
    }
}

/// Why a request failed.
struct Failure(anyhow::Error);

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        (StatusCode::INTERNAL_SERVER_ERROR, format!("{:#}\n", self.0)).into_response()
    }
}
