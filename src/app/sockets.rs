//! The ports of the service, bound, with the threads that serve them.
//!
//! It knows no protocol.

use std::io;
use std::net::SocketAddr;

use tokio::net::TcpListener;
use tokio::runtime::Handle;

use super::build_error::BuildError;
use super::listeners::listeners;
use super::threads::{Count, Threads};
use crate::admin::AdminPorts;
use crate::config::{self, Config};
use crate::memory::Accounts;
use crate::rpc::Listener;
use crate::tls::Tls;

/// The bound ports, and the threads that serve them.
pub(super) struct Sockets {
    pub(super) rpc: Vec<Listener>,
    pub(super) rpc_threads: Threads,
    pub(super) admin: AdminSockets,
    pub(super) admin_threads: Threads,
}

impl Sockets {
    pub(super) fn bind(config: &Config, accounts: &Accounts) -> Result<Self, BuildError> {
        let rpc_threads = Threads::start("rpc", &Count::AsManyAsCores, &accounts.rpc)?;
        // A thread apart, so that probes are answered under any load.
        let admin_threads = Threads::start("admin", &Count::One, &accounts.other)?;
        let rpc = bind("rpc.listen", config.rpc.listen, rpc_threads.handles())?;
        let admin = AdminSockets::bind(&config.admin, &admin_threads)?;
        let rpc = rpc_threads.handles().iter().cloned().zip(rpc);
        Ok(Self {
            rpc: rpc.map(|(thread, socket)| Listener { thread, socket }).collect(),
            rpc_threads,
            admin,
            admin_threads,
        })
    }
}

/// The bound ports of the admin server.
pub(super) struct AdminSockets {
    all: TcpListener,
    probes: Option<TcpListener>,
}

impl AdminSockets {
    fn bind(config: &config::Admin, threads: &Threads) -> Result<Self, BuildError> {
        let bind_one = |key, address| {
            let bound = bind(key, address, threads.handles())?.into_iter().next();
            bound.ok_or_else(|| BuildError::from(io::Error::other("no thread")))
        };
        let probes = config.probe_listen.map(|address| bind_one("admin.probe_listen", address));
        Ok(Self { all: bind_one("admin.listen", config.listen)?, probes: probes.transpose()? })
    }

    pub(super) fn with(self, tls: Option<Tls>) -> AdminPorts {
        AdminPorts { listener: self.all, tls, probe_listener: self.probes }
    }
}

/// A listener for each of the threads that will serve the port.
fn bind(
    key: &'static str,
    address: SocketAddr,
    threads: &[Handle],
) -> Result<Vec<TcpListener>, BuildError> {
    let listen = |source| BuildError::Listen { key, address, source };
    let sockets = listeners(address, threads.len()).map_err(listen)?;
    let bound = threads.iter().zip(sockets).map(|(thread, socket)| {
        // A listener belongs to its runtime.
        let _entered = thread.enter();
        TcpListener::from_std(socket)
    });
    bound.collect::<io::Result<_>>().map_err(listen)
}
