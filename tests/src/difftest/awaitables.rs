//! From an expression to something that can be awaited.
//!
//! Python knows two sorts: a coroutine does nothing until it is awaited (and becomes a task where a
//! combinator wants a future), a future is running already. Evaluating an expression keeps to that:
//! only `ref`, `never`, `gather`, `shield` and `job` give futures, and only the last three do
//! something at once.

use std::pin::Pin;
use std::rc::Rc;

use asyncio::{ErrorKind, Result, ReturnWhen};
use counterpoint as asyncio;

use super::expression::{Expression, Job, When};
use super::machine::{Activity, LAST, Machine, Named};
use super::program::Name;
use super::seconds::Seconds;
use super::statements::body;
use super::sync::run_sync;
use super::value::{Value, python_bool};

pub(crate) type Coroutine = Pin<Box<dyn Future<Output = Result<Value>>>>;

pub(crate) enum Evaluated {
    Coroutine(Coroutine),
    Future(asyncio::Future<Value>),
}

impl IntoFuture for Evaluated {
    type Output = Result<Value>;
    type IntoFuture = Coroutine;

    fn into_future(self) -> Coroutine {
        match self {
            Evaluated::Coroutine(coroutine) => coroutine,
            Evaluated::Future(future) => Box::pin(future.into_future()),
        }
    }
}

impl asyncio::Awaitable for Evaluated {
    type Output = Value;

    fn ensure_future(self) -> asyncio::Future<Value> {
        match self {
            Evaluated::Coroutine(coroutine) => asyncio::ensure_future(coroutine),
            Evaluated::Future(future) => future,
        }
    }

    fn claim(future: &asyncio::Future<Value>) -> Result<Value> {
        future.result()
    }
}

impl Evaluated {
    /// The future, if it is one already.
    pub(crate) fn existing(&self) -> Option<asyncio::Future<Value>> {
        match self {
            Evaluated::Coroutine(_) => None,
            Evaluated::Future(future) => Some(future.clone()),
        }
    }
}

pub(crate) fn coroutine(f: impl Future<Output = Result<Value>> + 'static) -> Result<Evaluated> {
    Ok(Evaluated::Coroutine(Box::pin(f)))
}

/// Evaluates an expression, left to right, without awaiting anything.
pub(crate) fn evaluate(
    machine: &Rc<Machine>,
    expression: &Expression,
    activity: &Activity,
) -> Result<Evaluated> {
    match expression {
        Expression::Sleep { t, v } => {
            let (delay, value) = (t.delay(), Value::from(*v));
            coroutine(async move { asyncio::sleep(delay).await.map(|()| value) })
        }
        Expression::Never => Ok(Evaluated::Future(machine.event_loop.create_future())),
        Expression::Call { f } => {
            let called = Activity { label: format!("{}/{f}", activity.label).into(), ..activity.clone() };
            coroutine(body(machine.clone(), f.clone(), called))
        }
        Expression::Ref { t } => Ok(Evaluated::Future(machine.reference(t, activity).future)),
        Expression::Acquire { .. }
        | Expression::Ewait { .. }
        | Expression::Cwait { .. }
        | Expression::Bwait { .. }
        | Expression::Breset { .. }
        | Expression::Babort { .. }
        | Expression::Get { .. }
        | Expression::Put { .. }
        | Expression::Join { .. } => evaluate_object(machine, expression),
        Expression::CwaitFor { o, c, min } => condition_wait_for(machine, activity, o, c, *min),
        Expression::Gather { of, rx } => {
            let children = elements(machine, of, activity)?;
            Ok(Evaluated::Future(gather(children.into_iter().map(|(child, _)| child).collect(), *rx)))
        }
        Expression::Shield { of } => {
            let (inner, _) = element(machine, of, activity)?;
            Ok(Evaluated::Future(asyncio::shield(inner)))
        }
        Expression::WaitFor { of, t } => {
            let (inner, timeout) = (evaluate(machine, of, activity)?, t.as_ref().map(Seconds::delay));
            coroutine(async move { asyncio::wait_for(inner, timeout).await })
        }
        Expression::Wait { of, when, timeout } => {
            let items = of.iter().map(|name| machine.reference(name, activity)).collect();
            coroutine(wait(items, timeout.clone(), *when))
        }
        Expression::Network(expression) => crate::difftest_net::evaluate(machine, expression, activity),
        Expression::Job(job) => submit(machine, job).map(Evaluated::Future),
        Expression::Thread(job) => {
            let (machine, closure) = (machine.clone(), closure(machine, job));
            coroutine(async move {
                machine.use_default_executor();
                asyncio::to_thread(closure).await
            })
        }
    }
}

/// The coroutines of locks, events, barriers and queues.
fn evaluate_object(machine: &Rc<Machine>, expression: &Expression) -> Result<Evaluated> {
    let none = |()| Value::None;
    match expression {
        Expression::Acquire { o } => {
            let object = machine.object(o).clone();
            coroutine(async move { object.acquire().await })
        }
        Expression::Ewait { o } => {
            let event = machine.object(o).event().clone();
            coroutine(async move { event.wait().await.map(|_| Value::Bool(true)) })
        }
        Expression::Cwait { o } => {
            let condition = machine.object(o).condition().clone();
            coroutine(async move { condition.wait().await.map(|_| Value::Bool(true)) })
        }
        Expression::Bwait { o } => {
            let barrier = machine.object(o).barrier().clone();
            coroutine(async move { barrier.wait().await.map(|place| Value::Int(place as i64)) })
        }
        Expression::Breset { o } => {
            let barrier = machine.object(o).barrier().clone();
            coroutine(async move { barrier.reset().await.map(none) })
        }
        Expression::Babort { o } => {
            let barrier = machine.object(o).barrier().clone();
            coroutine(async move { barrier.abort().await.map(none) })
        }
        Expression::Get { o } => {
            let queue = machine.object(o).queue().clone();
            coroutine(async move { queue.get().await.map(Value::from) })
        }
        Expression::Put { o, v } => {
            let (queue, item) = (machine.object(o).queue().clone(), *v);
            coroutine(async move { queue.put(item).await.map(none) })
        }
        Expression::Join { o } => {
            let queue = machine.object(o).queue().clone();
            coroutine(async move { queue.join().await.map(none) })
        }
        _ => unreachable!("`evaluate` passes only what waits for an object on"),
    }
}

/// An element of a combinator, which becomes a task if it is a coroutine; with its index.
pub(crate) fn element(
    machine: &Rc<Machine>,
    expression: &Expression,
    activity: &Activity,
) -> Result<(Evaluated, u64)> {
    // The language of the network counts an element that is a name, too.
    if let Expression::Ref { t } = expression
        && !machine.program.is_of_network()
    {
        let named = machine.reference(t, activity);
        return Ok((Evaluated::Future(named.future), named.index));
    }
    let inner = Activity { index: machine.next_index(), ..activity.clone() };
    Ok((evaluate(machine, expression, &inner)?, inner.index))
}

pub(crate) fn elements(
    machine: &Rc<Machine>,
    expressions: &[Expression],
    activity: &Activity,
) -> Result<Vec<(Evaluated, u64)>> {
    expressions.iter().map(|expression| element(machine, expression, activity)).collect()
}

/// The outer future of a gather.
pub(crate) fn gather(children: Vec<Evaluated>, return_exceptions: bool) -> asyncio::Future<Value> {
    let gather = asyncio::gather(Elements(children));
    if return_exceptions { gather.return_exceptions().future() } else { gather.future() }
}

/// The elements of a gather. All its results together are one value of the program.
struct Elements(Vec<Evaluated>);

impl asyncio::Gatherable for Elements {
    type Output = Value;
    type All = Value;
    type Children = Vec<asyncio::Future<Value>>;

    fn ensure_futures(self, watch: &mut asyncio::GatherWatch) -> Self::Children {
        self.0.ensure_futures(watch)
    }

    fn collect(children: &Self::Children) -> Value {
        Value::List(<Vec<Evaluated> as asyncio::Gatherable>::collect(children))
    }

    fn collect_all(children: &Self::Children) -> Value {
        let outcomes = <Vec<Evaluated> as asyncio::Gatherable>::collect_all(children);
        Value::List(outcomes.into_iter().map(Value::from).collect())
    }
}

async fn wait(items: Vec<Named>, timeout: Option<Seconds>, when: When) -> Result<Value> {
    let mut wait = asyncio::wait(items.iter().map(|named| named.future.clone())).return_when(match when {
        When::All => ReturnWhen::AllCompleted,
        When::First => ReturnWhen::FirstCompleted,
        When::Exc => ReturnWhen::FirstException,
    });
    if let Some(timeout) = timeout {
        wait = wait.timeout(timeout.delay());
    }
    let (done, pending) = wait.await?;
    let names = |futures: &[asyncio::Future<Value>]| {
        let among = items.iter().filter(|named| futures.contains(&named.future));
        among.map(|named| &*named.name).collect::<Vec<_>>().join(", ")
    };
    Ok(Value::Text(format!("done=[{}] pending=[{}]", names(&done), names(&pending))))
}

fn condition_wait_for(
    machine: &Rc<Machine>,
    activity: &Activity,
    object: &str,
    counter: &Name,
    min: i64,
) -> Result<Evaluated> {
    let condition = machine.object(object).condition().clone();
    let (machine, label, counter) = (machine.clone(), activity.label.clone(), counter.clone());
    let holds = move || {
        let count = machine.names.borrow().counters.get(&counter).copied().unwrap_or(0);
        let holds = count >= min;
        machine.print(&label, &format!("pred {counter}>={min} {}", python_bool(holds)));
        holds
    };
    coroutine(async move { condition.wait_for(holds).await.map(|_| Value::Bool(true)) })
}

/// The closure that a worker runs. Its instance name is taken when the expression is evaluated.
fn closure(machine: &Rc<Machine>, job: &Job) -> impl asyncio::IntoJob<Value> + use<> {
    let activity = Activity::new(format!("job:{}", machine.instance(&job.n)), LAST);
    let (machine, statements, value) = (machine.clone(), job.r#do.clone(), Value::from(job.v));
    let run = move || {
        machine.print(&activity.label, "run");
        run_sync(&machine, &statements, &activity)?;
        Ok(value)
    };
    asyncio::Job::new(run).takes(job.t.delay())
}

/// `run_in_executor`.
fn submit(machine: &Rc<Machine>, job: &Job) -> Result<asyncio::Future<Value>> {
    let executor = machine.object(job.o.as_deref().expect("a job names its executor")).executor().clone();
    let closure = closure(machine, job);
    if executor.is_shut_down() {
        return Err(asyncio::Error::new(ErrorKind::Runtime, "cannot schedule new futures after shutdown"));
    }
    Ok(machine.event_loop.run_in_executor(Some(&executor), closure))
}

impl Machine {
    /// Makes the loop's default executor at its first use, with the workers that the program asks for.
    fn use_default_executor(&self) {
        if !self.default_executor_made.replace(true) {
            self.event_loop.set_default_executor(&asyncio::Executor::new(self.program.workers));
        }
    }
}
