//! The rows of the panes.

mod callers;
mod memory;
mod partitions;
mod tables;

use super::grid::Grid;
use super::model::Model;
use super::pane::Pane;
use super::theme::Theme;

/// The rows of a pane as of now.
pub(super) fn grid_of(pane: Pane, model: &Model, theme: Theme) -> Grid {
    match pane {
        Pane::Tables => tables::grid(model, theme),
        Pane::Partitions => partitions::grid(model),
        Pane::Callers => callers::grid(model),
        Pane::Memory => memory::grid(model),
    }
}
