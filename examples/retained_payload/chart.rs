//! An SVG chart of the memory held, in MiB, over the messages handled.
//!
//! Each curve is labelled at its end, in its colour, so that no legend is needed.

use std::fs;
use std::path::Path;

use anyhow::Context;
use plotters::coord::Shift;
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::census::Census;
use crate::events::SERVICES;
use crate::figures::{count, mib};

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Chart<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;

/// Coordinates are whole numbers, so curves on a smaller canvas would show steps.
const SIZE: (u32, u32) = (1440, 760);
const FONT: &str = "Helvetica, Arial, sans-serif";
const INK: RGBColor = RGBColor(51, 51, 51);
const GRID: RGBColor = RGBColor(226, 226, 226);
/// Colours of Okabe and Ito, which colour-blind people can tell apart.
const COLOURS: [RGBColor; 3] = [RGBColor(213, 94, 0), RGBColor(0, 114, 178), RGBColor(0, 158, 115)];
/// The height of a label, which has two lines.
const NAME_HEIGHT: i32 = 64;

/// Draws the curves of all sides to the file at `path`.
pub(crate) fn draw(path: &Path, messages: u32, all: &[Census]) -> anyhow::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    let area = SVGBackend::new(path, SIZE).into_drawing_area();
    area.fill(&WHITE)?;
    titles(&area, messages)?;
    let top = all.iter().flat_map(|side| &side.curve).map(|sample| sample.held_bytes).max();
    let mut chart = axes(&area, f64::from(messages), mib(top.unwrap_or(0)) * 1.08)?;
    for (side, colour) in all.iter().zip(COLOURS) {
        let points =
            side.curve.iter().map(|sample| (f64::from(sample.messages), mib(sample.held_bytes)));
        chart.draw_series(LineSeries::new(points, colour.stroke_width(4)))?;
    }
    names(&area, &chart, messages, all)?;
    area.present().with_context(|| format!("cannot write {}", path.display()))
}

fn titles(area: &Area<'_>, messages: u32) -> anyhow::Result<()> {
    let title = (FONT, 34).into_font().style(FontStyle::Bold).color(&INK);
    let below = (FONT, 22).into_font().color(&INK);
    area.draw(&Text::new("What two plucked fields hold in memory", (36, 26), title))?;
    let text = format!(
        "{} messages of about 2 KB; an id and a description are kept of the last under each of {} keys",
        count(messages.into()),
        count(SERVICES.into())
    );
    area.draw(&Text::new(text, (36, 74), below))?;
    Ok(())
}

fn axes<'a, 'b>(area: &'a Area<'b>, right: f64, top: f64) -> anyhow::Result<Chart<'a, 'b>> {
    let mut chart = ChartBuilder::on(area)
        .margin(20)
        .margin_top(126)
        .margin_right(280)
        .x_label_area_size(74)
        .y_label_area_size(94)
        .build_cartesian_2d(0.0..right, 0.0..top)?;
    let labels = (FONT, 20).into_font().color(&INK);
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(GRID)
        .axis_style(INK)
        .label_style(labels.clone())
        .axis_desc_style(labels)
        .x_labels(6)
        .y_labels(10)
        .x_label_formatter(&|messages| whole(*messages))
        .y_label_formatter(&|mib| whole(*mib))
        .x_desc("messages handled")
        .y_desc("held, as the allocator counts it (MiB)")
        .draw()?;
    Ok(chart)
}

/// With commas between groups of three digits.
fn whole(number: f64) -> String {
    format!("{number:.0}").parse().map_or_else(|_| String::new(), count)
}

fn names(
    area: &Area<'_>,
    chart: &Chart<'_, '_>,
    messages: u32,
    all: &[Census],
) -> anyhow::Result<()> {
    let end = |held| chart.backend_coord(&(f64::from(messages), mib(held)));
    let mut ends: Vec<_> = all.iter().zip(COLOURS).collect();
    ends.sort_by_key(|(side, _)| side.held_bytes());
    let mut lowest = end(0).1 - NAME_HEIGHT / 2;
    for (side, colour) in ends {
        let (x, y) = end(side.held_bytes());
        let y = y.min(lowest);
        name(area, side, colour, (x + 18, y))?;
        lowest = y - NAME_HEIGHT;
    }
    Ok(())
}

fn name(area: &Area<'_>, side: &Census, colour: RGBColor, at: (i32, i32)) -> anyhow::Result<()> {
    let (x, y) = at;
    let style = |size: i32, weight| {
        let font = (FONT, size).into_font().style(weight);
        font.color(&colour).pos(Pos::new(HPos::Left, VPos::Center))
    };
    let held = format!("{:.0} MiB", mib(side.held_bytes()));
    area.draw(&Text::new(held, (x, y - 15), style(27, FontStyle::Bold)))?;
    area.draw(&Text::new(side.name, (x, y + 15), style(22, FontStyle::Normal)))?;
    Ok(())
}
