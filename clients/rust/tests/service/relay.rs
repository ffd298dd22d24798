//! A port that leads to a service, whose connections a test can cut.

use std::net::SocketAddr;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

pub(crate) struct Relay {
    pub(crate) address: SocketAddr,
    cut: watch::Sender<()>,
}

impl Relay {
    /// Listens until the test ends.
    pub(crate) async fn to(service: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (cut, is_cut) = watch::channel(());
        tokio::spawn(async move {
            while let Ok((caller, _)) = listener.accept().await {
                tokio::spawn(carry(caller, service.clone(), is_cut.clone()));
            }
        });
        Self { address, cut }
    }

    /// Cuts the connections that are open. Others may follow.
    pub(crate) fn cut(&self) {
        self.cut.send_replace(());
    }
}

async fn carry(mut caller: TcpStream, service: String, mut is_cut: watch::Receiver<()>) {
    // A cut before this connection does not count.
    is_cut.mark_unchanged();
    let mut service = TcpStream::connect(service).await.unwrap();
    tokio::select! {
        _ = copy_bidirectional(&mut caller, &mut service) => {}
        _ = is_cut.changed() => {}
    }
}
