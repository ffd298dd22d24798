//! The leak that led to millpond: small slices keep whole messages in memory.
//!
//! `cargo run --release --example retained_payload`
//!
//! The same messages are plucked three times, each time into a table of the same type. The sides
//! differ in how they keep the plucked bytes, and in the buffers that messages are cut from. The
//! allocator counted the printed figures: see docs/RETAINED-PAYLOADS.md.

mod census;
mod chart;
mod delivery;
mod events;
mod figures;
mod side;

use std::path::PathBuf;

use anyhow::ensure;
use clap::Parser;

use delivery::Delivery;
use side::{Keep, Side};

#[derive(Debug, Parser)]
struct Args {
    /// Messages to pluck, the same for each side
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(100..))]
    messages: u32,
    /// The SVG file to draw
    #[arg(long, default_value = "target/retained_payload.svg")]
    svg: PathBuf,
}

/// Copies are made from message sets, where slices keep the most memory.
const COPIES: Side = Side { name: "copies", keep: Keep::Copy, delivery: Delivery::InSets };
const SLICES: [Side; 2] = [
    Side { name: "slices of messages", keep: Keep::Slice, delivery: Delivery::Alone },
    Side { name: "slices of message sets", keep: Keep::Slice, delivery: Delivery::InSets },
];

fn main() -> anyhow::Result<()> {
    let Args { messages, svg } = Args::parse();
    let copies = COPIES.run(messages)?;
    let mut all = vec![copies.census];
    for side in SLICES {
        let slices = side.run(messages)?;
        ensure!(slices.table == copies.table, "{} have other entries than copies", side.name);
        all.push(slices.census);
    }
    all.reverse();
    say(&census::side_by_side(messages, &all));
    chart::draw(&svg, messages, &all)?;
    say(&format!("The curves are in {}", svg.display()));
    Ok(())
}

#[expect(clippy::print_stdout, reason = "an example is read on a terminal")]
fn say(text: &str) {
    println!("{text}");
}
