//! All hostile peers.

mod admin;
mod bodies;
mod flood;
mod headers;
mod silent;
mod slow;
mod waiting;

use std::sync::Arc;

use anyhow::bail;

use crate::peer::Peer;

type Peers = Vec<Arc<dyn Peer>>;

/// The peers of these names, or all if there are none. `end` is the number of records in the stream.
pub(crate) fn named(names: &[String], end: u64) -> anyhow::Result<Peers> {
    let mut peers = all(end);
    let is_known = |name: &&String| !peers.iter().any(|peer| peer.about().name == name.as_str());
    if let Some(unknown) = names.iter().find(is_known) {
        bail!("there is no peer {unknown}; --list names them");
    }
    peers.retain(|peer| names.is_empty() || names.iter().any(|name| name == peer.about().name));
    Ok(peers)
}

fn all(end: u64) -> Peers {
    let slow = slow::raw_peers(end);
    let raw = [silent::peers(), headers::peers(), flood::raw_peers(), admin::peers(), slow];
    let raw = raw.into_iter().flatten().map(|peer| Arc::new(peer) as Arc<dyn Peer>);
    let calls = [bodies::peers(), slow::peers(end), waiting::peers(end), flood::calling_peers()];
    let calls = calls.into_iter().flatten().map(|peer| Arc::new(peer) as Arc<dyn Peer>);
    raw.chain(calls).collect()
}
