//! A small HTTPS server that answers with one document, to whoever sends the right bearer token.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::connection;
use millpond_acceptance::authority::Credential;

const PATIENCE: Duration = Duration::from_secs(10);
const MAX_REQUEST_BYTES: usize = 8 << 10;

/// The server. Its thread ends with the program.
pub(crate) struct Publisher {
    pub(crate) address: SocketAddr,
}

struct Document {
    text: String,
    token: String,
}

impl Publisher {
    pub(crate) fn start(credential: &Credential, text: String, token: &str) -> Result<Self> {
        let (chain, key) = connection::chain_and_key(credential)?;
        let config = ServerConfig::builder_with_provider(connection::provider())
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(chain, key)?;
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let document = Document { text, token: token.to_owned() };
        std::thread::spawn(move || serve(&listener, &Arc::new(config), &document));
        Ok(Self { address })
    }
}

fn serve(listener: &TcpListener, config: &Arc<ServerConfig>, document: &Document) {
    for socket in listener.incoming().flatten() {
        // A client that gives up is no concern of the next.
        let _ = answer(socket, config, document);
    }
}

fn answer(socket: TcpStream, config: &Arc<ServerConfig>, document: &Document) -> Result<()> {
    socket.set_read_timeout(Some(PATIENCE))?;
    let mut stream = StreamOwned::new(ServerConnection::new(Arc::clone(config))?, socket);
    let request = read_head(&mut stream)?;
    let right = format!("authorization: bearer {}", document.token.to_lowercase());
    let is_allowed = request.to_lowercase().contains(&right);
    let (status, body) =
        if is_allowed { ("200 OK", document.text.as_str()) } else { ("401 Unauthorized", "") };
    write!(
        stream,
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
         connection: close\r\n\r\n{body}",
        body.len()
    )?;
    stream.conn.send_close_notify();
    Ok(stream.flush()?)
}

fn read_head(stream: &mut impl Read) -> Result<String> {
    let (mut head, mut bytes) = (Vec::new(), [0; 1024]);
    while !head.windows(4).any(|end| end == b"\r\n\r\n") && head.len() < MAX_REQUEST_BYTES {
        match stream.read(&mut bytes)? {
            0 => break,
            read => head.extend_from_slice(bytes.get(..read).unwrap_or_default()),
        }
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}
