//! Which directions each kind of partition cuts.

use counterpoint::Result;
use counterpoint::sim::{Host, Partition, Simulation, World};

/// The directions that are cut among five hosts, as pairs of their numbers.
fn cut_by(
    seed: u64,
    partition: impl Fn(&[Host]) -> Partition + Send + Sync + 'static,
) -> Vec<(usize, usize)> {
    let found = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let seen = found.clone();
    let run = Simulation::with_world(move |world: World| {
        let (seen, hosts) = (seen.clone(), five(&world));
        let kind = hosts.as_ref().map(|hosts| partition(hosts)).map_err(Clone::clone);
        async move {
            let (hosts, kind) = (hosts?, kind?);
            let cut = world.partition(&kind)?;
            let pairs = (0..5).flat_map(|one| (0..5).map(move |other| (one, other)));
            let closed =
                pairs.filter(|(one, other)| one != other && !world.reaches(&hosts[*one], &hosts[*other]));
            *seen.lock().expect("nobody panics with it") = closed.collect();
            cut.heal();
            assert!(
                world.reaches(&hosts[0], &hosts[4]) && world.reaches(&hosts[4], &hosts[0]),
                "it is healed"
            );
            Ok(())
        }
    })
    .seed(seed)
    .run();
    assert!(run.outcome.is_passed(), "{}", run.report());
    found.lock().expect("nobody panics with it").clone()
}

fn five(world: &World) -> Result<Vec<Host>> {
    (0..5).map(|number| world.host(format!("host{number}")).start(|| async { Ok(()) })).collect()
}

/// Hosts that a host can talk with, in both directions, itself included.
fn seen_by(cut: &[(usize, usize)], one: usize) -> Vec<usize> {
    (0..5).filter(|other| !cut.contains(&(one, *other)) && !cut.contains(&(*other, one))).collect()
}

#[test]
fn isolating_a_host_cuts_it_from_all_others_both_ways() {
    let cut = cut_by(0, |hosts| Partition::isolate(&hosts[2]));
    assert_eq!(seen_by(&cut, 2), [2]);
    assert_eq!(seen_by(&cut, 0), [0, 1, 3, 4]);
}

#[test]
fn one_way_the_first_side_is_not_heard_and_hears() {
    let cut = cut_by(0, |hosts| Partition::isolate(&hosts[2]).one_way());
    assert_eq!(cut, [(2, 0), (2, 1), (2, 3), (2, 4)]);
}

#[test]
fn halves_are_two_and_three_drawn_by_the_seed() {
    let of_seed = |seed| {
        let cut = cut_by(seed, |_| Partition::halves());
        let sides: Vec<Vec<usize>> = (0..5).map(|one| seen_by(&cut, one)).collect();
        assert!(sides.iter().all(|side| side.len() == 2 || side.len() == 3), "{sides:?}");
        sides
    };
    assert_eq!(of_seed(3), of_seed(3));
    assert!((0..10).any(|seed| of_seed(seed) != of_seed(3)));
}

#[test]
fn a_split_has_as_many_as_it_says() {
    let cut = cut_by(1, |_| Partition::split(1));
    assert_eq!((0..5).filter(|one| seen_by(&cut, *one).len() == 1).count(), 1);
}

#[test]
fn a_bridge_sees_both_halves_which_do_not_see_each_other() {
    let cut = cut_by(1, |hosts| Partition::bridge(&hosts[4]));
    assert_eq!(seen_by(&cut, 4), [0, 1, 2, 3, 4]);
    assert!((0..4).all(|one| seen_by(&cut, one).len() == 3), "{cut:?}");
}

#[test]
fn in_a_ring_each_sees_a_majority_and_no_two_the_same() {
    let cut = cut_by(1, |_| Partition::majorities_ring());
    let mut views: Vec<Vec<usize>> = (0..5).map(|one| seen_by(&cut, one)).collect();
    assert!(views.iter().all(|view| view.len() == 3), "{views:?}");
    views.sort_unstable();
    views.dedup();
    assert_eq!(views.len(), 5);
}

#[test]
fn a_gray_host_is_seen_by_its_observer_alone() {
    let cut = cut_by(0, |hosts| Partition::gray(&hosts[0], &hosts[1]));
    assert_eq!(seen_by(&cut, 0), [0, 1]);
    assert_eq!(seen_by(&cut, 1), [0, 1, 2, 3, 4]);
}

#[test]
fn a_partition_that_parts_nobody_is_an_error() {
    let run = Simulation::with_world(|world: World| async move {
        let refused = world.partition(&Partition::halves()).unwrap_err();
        assert!(refused.to_string().contains("parts nobody"), "{refused}");
        Ok(())
    })
    .run();
    assert!(run.outcome.is_passed(), "{}", run.report());
}
