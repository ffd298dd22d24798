//! The metrics of the process.

use std::fmt;

use super::catalogue::{
    BUILD, CONFIG, CPU, MAX_OPEN_FILES, OPEN_FILES, READY, RESIDENT, START_TIME, THREADS, UPTIME,
};
use super::writer::Writer;
use crate::stats::Snapshot;

pub(super) fn write(writer: &mut Writer<'_>, snapshot: &Snapshot) -> fmt::Result {
    let process = &snapshot.process;
    let versions = [env!("CARGO_PKG_VERSION"), &snapshot.librdkafka_version];
    writer.family(&BUILD, |samples| samples.put(versions, true))?;
    writer.family(&CONFIG, |samples| samples.put([&snapshot.config_digest], true))?;
    writer.single(&READY, snapshot.ready)?;
    writer.single(&UPTIME, snapshot.uptime)?;
    writer.single(&START_TIME, snapshot.started)?;
    writer.single(&CPU, process.cpu)?;
    writer.single(&RESIDENT, snapshot.memory.census.rss_bytes)?;
    writer.single(&THREADS, process.threads)?;
    writer.single(&OPEN_FILES, process.open_files)?;
    writer.single(&MAX_OPEN_FILES, process.max_open_files)
}
