//! Statements about context variables.

use std::rc::Rc;

use asyncio::Result;
use counterpoint as asyncio;
use serde::{Deserialize, Serialize};

use crate::difftest::machine::{Activity, Machine, NamedToken};
use crate::difftest::program::{Name, Number, SyncBlock};
use crate::difftest::value::Value;

use super::{ok, run_sync};

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub(crate) enum ContextStatement {
    Cget {
        var: Name,
    },
    Cset {
        var: Name,
        v: Number,
        #[serde(skip_serializing_if = "Option::is_none")]
        tok: Option<Name>,
    },
    Creset {
        tok: Name,
    },
    Cctx {
        r#as: Name,
    },
    Crun {
        ctx: Name,
        r#do: SyncBlock,
    },
}

pub(super) fn apply(
    machine: &Rc<Machine>,
    statement: &ContextStatement,
    activity: &Activity,
) -> Result<String> {
    let noref = || Ok("noref".to_owned());
    match statement {
        ContextStatement::Cget { var } => {
            Ok(format!("-> {}", machine.variable(var).get().unwrap_or(Value::None)))
        }
        ContextStatement::Cset { var, v, tok } => {
            let variable = machine.variable(var);
            let token = variable.set(Value::from(*v));
            if let Some(name) = tok {
                machine
                    .names
                    .borrow_mut()
                    .tokens
                    .insert(name.clone(), NamedToken { variable, token: token.into() });
            }
            Ok(ok(()))
        }
        ContextStatement::Creset { tok } => {
            let Some(named) = machine.names.borrow().tokens.get(tok).cloned() else {
                return noref();
            };
            named.variable.reset(&named.token).map(ok)
        }
        ContextStatement::Cctx { r#as } => {
            machine.names.borrow_mut().contexts.insert(r#as.clone(), asyncio::copy_context());
            Ok(ok(()))
        }
        ContextStatement::Crun { ctx, r#do } => {
            let Some(context) = machine.context(Some(ctx)) else { return noref() };
            context.run(|| run_sync(machine, r#do, activity))?.map(ok)
        }
    }
}
