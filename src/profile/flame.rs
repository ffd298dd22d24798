//! The tree of functions that the dashboard draws, as JSON.
//!
//! Each node is a function, below the one that called it. The list of nodes has them as one reads
//! the tree from the top, each with its depth. What is under a thousandth of the whole is left out.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io;

use serde::Serialize;

use super::named_stacks::{Kind, NamedStacks};

/// The most nodes that are sent. A screen shows fewer.
const MAX_NODES: usize = 3_000;
/// Parts of the whole that are left out.
const SMALLEST_PART: u64 = 1_000;
/// The hottest functions that are listed.
const HOTTEST: usize = 20;

#[derive(Debug, Serialize, PartialEq)]
struct FlameGraph<'a> {
    kind: &'static str,
    unit: &'static str,
    seconds: f64,
    total: u64,
    /// The names of functions, which the others name by their position.
    names: &'a [String],
    /// Depth, name, total, and what the function took by itself.
    nodes: Vec<(usize, usize, u64, u64)>,
    /// Name, what the function took by itself, and what it took with all that it called.
    hottest: Vec<(usize, u64, u64)>,
}

/// The profile as JSON.
///
/// # Errors
///
/// When it cannot be written.
pub(super) fn encode(profile: &NamedStacks) -> io::Result<Vec<u8>> {
    serde_json::to_vec(&graph(profile)).map_err(io::Error::other)
}

fn graph(profile: &NamedStacks) -> FlameGraph<'_> {
    let mut root = Node::default();
    let mut functions: HashMap<usize, (u64, u64)> = HashMap::new();
    for (stack, [_, value]) in profile.stacks.iter() {
        let names: Vec<_> = stack.iter().map(|frame| profile.symbols.index_of(*frame)).collect();
        root.add(&names, value);
        let distinct: HashSet<_> = names.iter().copied().collect();
        for name in distinct {
            functions.entry(name).or_default().1 += value;
        }
        if let Some(innermost) = names.first() {
            functions.entry(*innermost).or_default().0 += value;
        }
    }
    let (kind, unit) = match profile.kind {
        Kind::Heap => ("heap", "bytes"),
        Kind::Cpu => ("cpu", "nanoseconds"),
    };
    FlameGraph {
        kind,
        unit,
        seconds: profile.duration.as_secs_f64(),
        total: root.total,
        names: &profile.symbols.names,
        nodes: root.nodes(),
        hottest: hottest(functions),
    }
}

fn hottest(functions: HashMap<usize, (u64, u64)>) -> Vec<(usize, u64, u64)> {
    let all = functions.into_iter().map(|(name, (own, total))| (name, own, total));
    let mut all: Vec<_> = all.filter(|(_, own, _)| *own > 0).collect();
    all.sort_by_key(|&(name, own, _)| (u64::MAX - own, name));
    all.truncate(HOTTEST);
    all
}

/// A function below its caller.
#[derive(Default)]
struct Node {
    total: u64,
    own: u64,
    calls: BTreeMap<usize, Node>,
}

impl Node {
    /// Adds a stack, whose innermost name comes first.
    fn add(&mut self, stack: &[usize], value: u64) {
        let mut node = self;
        node.total += value;
        for name in stack.iter().rev() {
            node = node.calls.entry(*name).or_default();
            node.total += value;
        }
        node.own += value;
    }

    /// The nodes below this one that are large enough. Where they are too many, the deepest are left
    /// out.
    fn nodes(&self) -> Vec<(usize, usize, u64, u64)> {
        let mut nodes = Vec::new();
        self.list(0, (self.total / SMALLEST_PART).max(1), &mut nodes);
        let mut deepest = nodes.iter().map(|(depth, ..)| *depth).max().unwrap_or_default();
        while nodes.len() > MAX_NODES && deepest > 0 {
            nodes.retain(|(depth, ..)| *depth < deepest);
            deepest -= 1;
        }
        nodes
    }

    fn list(&self, depth: usize, least: u64, nodes: &mut Vec<(usize, usize, u64, u64)>) {
        let mut calls: Vec<_> = self.calls.iter().filter(|(_, node)| node.total >= least).collect();
        calls.sort_by_key(|(_, node)| u64::MAX - node.total);
        for (name, node) in calls {
            nodes.push((depth, *name, node.total, node.own));
            node.list(depth + 1, least, nodes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_below_their_callers_and_small_ones_are_left_out() {
        let mut root = Node::default();
        root.add(&[2, 1], 700);
        root.add(&[3, 1], 300);
        root.add(&[1], 1_000);
        root.add(&[4], 1);
        let expected = [(0, 1, 2_000, 1_000), (1, 2, 700, 0), (1, 3, 300, 0)];
        let expected = expected.map(|(depth, name, total, own)| {
            (depth, name, total, if depth == 1 { total } else { own })
        });
        assert_eq!(root.nodes(), expected);
    }

    #[test]
    fn however_many_functions_there_are_few_are_sent() {
        let mut root = Node::default();
        for caller in 0..900 {
            let stack: Vec<_> = (0..20).map(|at| at * 1_000 + caller).collect();
            root.add(&stack, 1_000);
        }
        let nodes = root.nodes();
        assert!(!nodes.is_empty() && nodes.len() <= MAX_NODES, "{}", nodes.len());
    }
}
