//! The policy: which identity may call which method on which table. All else is denied.
//!
//! What an identity may do is found once, when the identity is proved: the entries that name it,
//! in the order of the configuration. A call then looks through these few. The first entry that
//! allows a call is the one whose share it uses.

use std::sync::{Arc, OnceLock};

use super::identity::Identity;
use super::seen::{CallCounts, Seen};
use super::shares::{Share, Shares};
use super::target::{Scope, Target};
use crate::config::{Allow, AllowedMethods, AllowedTables, Who};

/// The entries, and who was seen.
#[derive(Debug)]
pub(super) struct Policy {
    entries: Box<[Entry]>,
    /// Who proves nothing.
    anonymous: Arc<Principal>,
    seen: Seen,
}

#[derive(Debug)]
struct Entry {
    who: Box<[Who]>,
    /// By the place of the target.
    targets: [bool; Target::COUNT],
    tables: AllowedTables,
    shares: Option<Shares>,
}

/// Someone whose identity is proved, and what the policy lets it do.
#[derive(Debug)]
pub(super) struct Principal {
    identity: Identity,
    grants: Box<[Grant]>,
    counts: OnceLock<Arc<CallCounts>>,
}

/// An entry that names somebody.
#[derive(Debug)]
struct Grant {
    entry: usize,
    /// The name that the entry has.
    identity: Identity,
    share: OnceLock<Arc<Share>>,
}

/// What a call uses.
#[derive(Debug, Clone, Copy)]
pub(super) enum Use<'a> {
    Unlimited,
    Share(&'a Arc<Share>),
}

impl Policy {
    /// None if there are no entries.
    pub(super) fn new(allow: &[Allow]) -> Option<Self> {
        let entries: Box<[_]> = allow.iter().map(Entry::new).collect();
        if entries.is_empty() {
            return None;
        }
        let anonymous = Arc::new(principal(&entries, &[Identity::Anonymous], Identity::Anonymous));
        Some(Self { entries, anonymous, seen: Seen::default() })
    }

    /// The owner of these names. None if there is no name.
    pub(super) fn principal(&self, names: &[Identity]) -> Option<Arc<Principal>> {
        let first = names.first()?;
        Some(Arc::new(principal(&self.entries, names, first.clone())))
    }

    pub(super) fn anonymous(&self) -> &Arc<Principal> {
        &self.anonymous
    }

    pub(super) fn seen(&self) -> &Seen {
        &self.seen
    }

    /// Whether an entry allows this on some table or other: what the call asks for is not known yet.
    pub(super) fn has_entry(&self, principal: &Principal, target: Target) -> bool {
        principal.grants.iter().any(|grant| self.entries[grant.entry].has_target(target))
    }

    /// Whether an entry allows something on this table.
    pub(super) fn is_visible(&self, principal: &Principal, table: &str) -> bool {
        principal.grants.iter().any(|grant| self.entries[grant.entry].tables.covers(table))
    }

    /// What a call uses by the first entry that allows it. None if no entry does.
    pub(super) fn allow<'a>(
        &self,
        principal: &'a Principal,
        target: Target,
        scope: Scope<'_>,
    ) -> Option<Use<'a>> {
        let allows = |grant: &&Grant| {
            let entry = &self.entries[grant.entry];
            entry.has_target(target) && entry.has_scope(scope)
        };
        let grant = principal.grants.iter().find(allows)?;
        Some(match &self.entries[grant.entry].shares {
            None => Use::Unlimited,
            Some(shares) => Use::Share(grant.share.get_or_init(|| shares.share(&grant.identity))),
        })
    }

    /// The counters of somebody, who is seen with this.
    pub(super) fn counts<'a>(&self, principal: &'a Principal) -> &'a CallCounts {
        principal.counts.get_or_init(|| self.seen.counts(&principal.identity))
    }
}

impl Principal {
    /// What it is called in the log.
    pub(super) fn identity(&self) -> &Identity {
        &self.identity
    }
}

impl Entry {
    fn new(allow: &Allow) -> Self {
        let mut targets = [false; Target::COUNT];
        for target in Target::all() {
            targets[target.index()] = allow.methods.iter().any(|methods| covers(*methods, target));
        }
        let (who, tables) = (allow.who.clone().into(), allow.tables.clone());
        Self { who, targets, tables, shares: Shares::of(allow) }
    }

    fn has_target(&self, target: Target) -> bool {
        self.targets[target.index()]
    }

    fn has_scope(&self, scope: Scope<'_>) -> bool {
        match scope {
            Scope::Table(name) => self.tables.covers(name),
            Scope::AllTables => self.tables.covers_all(),
            Scope::VisibleTables => true,
        }
    }
}

fn principal(entries: &[Entry], names: &[Identity], identity: Identity) -> Principal {
    let grant = |(number, entry): (usize, &Entry)| {
        let name = names.iter().find(|name| entry.who.iter().any(|who| is_named(who, name)))?;
        Some(Grant { entry: number, identity: name.clone(), share: OnceLock::new() })
    };
    let grants = entries.iter().enumerate().filter_map(grant).collect();
    Principal { identity, grants, counts: OnceLock::new() }
}

fn is_named(who: &Who, identity: &Identity) -> bool {
    match (who, identity) {
        (Who::Anyone, identity) => *identity != Identity::Anonymous,
        (Who::Anonymous, Identity::Anonymous) => true,
        (Who::Certificate(pattern), Identity::Certificate(name))
        | (Who::Token(pattern), Identity::Token(name))
        | (Who::Jwt(pattern), Identity::Jwt(name)) => pattern.matches(name),
        _ => false,
    }
}

fn covers(methods: AllowedMethods, target: Target) -> bool {
    match target {
        Target::Method(method) => methods.covers(method),
        Target::Reflection => methods.covers_reflection(),
        Target::Unknown => methods == AllowedMethods::All,
    }
}

#[cfg(test)]
mod tests;
