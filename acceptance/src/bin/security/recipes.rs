//! Starts the service with each recipe of `docs/SECURING.md` as it is printed, and connects from each
//! language with the credentials of the recipe, and with others: those who are named get an answer,
//! and nobody else.

mod caller;
mod case;
mod credentials;
mod prepared;

use anyhow::Context;
use clap::Args as ClapArgs;
use millpond_acceptance::report::say;
use millpond_acceptance::served::Served;
use tokio::runtime::Runtime;

use crate::scene::Scene;
use caller::Caller;
use prepared::{Prepared, RECIPES, World};

#[derive(Debug, Default, ClapArgs)]
pub(crate) struct Args {
    /// A language to try alone, or millpond for the command line; may be given several times
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    /// A recipe to try alone; may be given several times
    #[arg(long, value_name = "NAME")]
    recipe: Vec<String>,
}

/// A line for each promise that was broken.
pub(crate) fn run(args: &Args) -> anyhow::Result<Vec<String>> {
    let scene = Runtime::new()?.block_on(Scene::new())?;
    let (callers, world) = (caller::all(&args.only)?, World::new()?);
    let is_wanted = |name: &&str| args.recipe.is_empty() || args.recipe.iter().any(|r| r == name);
    let mut failures = Vec::new();
    for recipe in RECIPES.into_iter().filter(is_wanted) {
        let prepared = prepared::prepare(recipe, &world, &scene)?;
        let log = format!("security-{recipe}.log");
        let mut served = scene.serve(&prepared.text, &prepared.settings, &log)?;
        for caller in &callers {
            failures.extend(try_caller(caller, &prepared, &served)?);
        }
        served.stop()?.context("it had to be killed")?;
    }
    Ok(failures)
}

fn try_caller(
    caller: &Caller,
    prepared: &Prepared,
    served: &Served,
) -> anyhow::Result<Vec<String>> {
    let port = served.rpc().rsplit_once(':').context("no port")?.1;
    let mut failures = Vec::new();
    for case in &prepared.cases {
        let got = caller.look_up(port, case)?;
        if !case.is_as_wanted(&got) {
            let (recipe, name) = (prepared.name, caller.name());
            failures.push(format!("{recipe}, {name}, {}: {got}, not {}", case.what, case.wanted));
        }
    }
    let (count, name) = (prepared.cases.len(), caller.name());
    let right = count - failures.len();
    say(&format!("{:<17} {name:<9} {right} of {count} as the policy says", prepared.name));
    Ok(failures)
}
