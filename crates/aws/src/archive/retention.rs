//! Frees what a site no longer needs: deletes objects of which nothing is used, and moves the pages
//! of objects that are mostly unused.
//!
//! Objects that were put a short while ago are left alone. Other functions may put pages at the same
//! time, whose rows the caller has not seen yet.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::Duration;

use canter_core::failure::Failure;
use canter_core::ports::{Place, Retained};
use canter_core::time::Moment;

use super::OBJECT_BYTES;
use super::bucket::{Bucket, Object};
use super::piece::Piece;
use super::reading::read;
use super::sending::put_together;
use crate::side_by_side::side_by_side;

/// Age below which an object is left alone: the longest run of a function, by far.
const YOUNG: Duration = Duration::from_secs(15 * 60);
/// Maximum size of the pages that one call moves, in bytes: some seconds of work. The next call goes
/// on with the rest.
const MOVED_BYTES: u64 = 64 << 20;
/// Maximum number of objects that are written at the same time.
const WRITES: usize = 4;

/// What is to be done for a site.
#[derive(Debug, Default, PartialEq, Eq)]
struct Plan {
    /// Keys of the objects of which nothing is used.
    unused: Vec<String>,
    /// Pages that move, in groups that each become one object.
    moves: Vec<Vec<Piece>>,
}

/// Frees everything but `places`.
pub(super) async fn retain(
    bucket: &Bucket,
    prefix: &str,
    places: &[Place],
    now: Moment,
) -> Result<Retained, Failure> {
    let objects = bucket.list(prefix).await?;
    let keys: HashSet<&str> = objects.iter().map(|object| object.key.as_str()).collect();
    let is_missing = |place: &&Place| {
        let piece = Piece::parse(place);
        piece.is_none_or(|piece| !keys.contains(&*format!("{prefix}{}", piece.object)))
    };
    let missing = places.iter().filter(is_missing).cloned().collect();
    let used = places.iter().filter_map(Piece::parse).collect();
    let plan = plan(prefix, objects, used, now);
    // First, since a move that was broken off before may make one of these objects again.
    bucket.delete(plan.unused).await?;
    let moves = plan.moves.into_iter().map(|group| {
        let (bucket, prefix) = (bucket.clone(), prefix.to_owned());
        async move { moved(&bucket, &prefix, &group).await }
    });
    let moved = side_by_side(WRITES, moves).await?;
    Ok(Retained {
        moved: moved.into_iter().flatten().collect(),
        missing,
    })
}

fn plan(prefix: &str, objects: Vec<Object>, used: BTreeSet<Piece>, now: Moment) -> Plan {
    let mut pieces: HashMap<String, Vec<Piece>> = HashMap::new();
    for piece in used {
        let key = format!("{prefix}{}", piece.object);
        pieces.entry(key).or_default().push(piece);
    }
    let mut plan = Plan::default();
    let mut sparse = Vec::new();
    for object in objects {
        if object.put.until(now) < YOUNG {
            continue;
        }
        let Some(pieces) = pieces.remove(&object.key) else {
            plan.unused.push(object.key);
            continue;
        };
        let used: u64 = pieces.iter().map(|piece| piece.length).sum();
        if 2 * used < object.bytes {
            sparse.push((used, pieces));
        }
    }
    // Those that free most for what they cost come first.
    sparse.sort_unstable_by_key(|(used, _)| *used);
    let (mut group, mut group_bytes, mut bytes) = (Vec::new(), 0, 0);
    for (used, pieces) in sparse {
        if bytes + used > MOVED_BYTES {
            break;
        }
        if group_bytes + used > OBJECT_BYTES as u64 && !group.is_empty() {
            plan.moves.push(std::mem::take(&mut group));
            group_bytes = 0;
        }
        bytes += used;
        group_bytes += used;
        group.extend(pieces);
    }
    if !group.is_empty() {
        plan.moves.push(group);
    }
    plan
}

/// Moves pages into one object. A page that is not there is left out.
async fn moved(
    bucket: &Bucket,
    prefix: &str,
    group: &[Piece],
) -> Result<Vec<(Place, Place)>, Failure> {
    let old: Vec<Place> = group.iter().map(Piece::place).collect();
    let pages = read(bucket, prefix, &old, |bytes| Ok(bytes.to_vec())).await?;
    let there = old
        .into_iter()
        .zip(pages)
        .filter_map(|(place, page)| Some((place, page?)));
    let (old, pages): (Vec<Place>, Vec<Vec<u8>>) = there.unzip();
    if pages.is_empty() {
        return Ok(Vec::new());
    }
    let new = put_together(bucket, prefix, &pages).await?;
    Ok(old.into_iter().zip(new).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Moment = Moment::from_millis(1_000_000_000);

    fn piece(object: &str, offset: u64, length: u64) -> Piece {
        Piece {
            object: object.into(),
            offset,
            length,
        }
    }

    fn object(name: &str, bytes: u64, age: Duration) -> Object {
        Object {
            key: format!("site/{name}"),
            bytes,
            put: Moment::from_millis(NOW.millis() - age.as_millis() as u64),
        }
    }

    #[test]
    fn what_is_unused_goes_and_what_is_mostly_unused_moves() {
        let objects = vec![
            object("full", 100, YOUNG),
            object("half", 100, YOUNG),
            object("sparse", 100, YOUNG),
            object("unused", 100, YOUNG),
        ];
        let used = [
            piece("full", 0, 100),
            piece("half", 10, 50),
            piece("sparse", 30, 20),
            piece("sparse", 0, 29),
            piece("lost", 0, 1),
        ];
        let plan = plan("site/", objects, used.into(), NOW);
        assert_eq!(plan.unused, ["site/unused"]);
        assert_eq!(
            plan.moves,
            [vec![piece("sparse", 0, 29), piece("sparse", 30, 20)]]
        );
    }

    #[test]
    fn what_was_put_a_short_while_ago_stays() {
        let young = YOUNG - Duration::from_millis(1);
        let objects = vec![
            object("sparse", 100, young),
            object("unused", 100, young),
            object("ahead", 100, Duration::ZERO),
        ];
        let used = BTreeSet::from([piece("sparse", 0, 1)]);
        assert_eq!(plan("site/", objects, used, NOW), Plan::default());
    }

    #[test]
    fn a_call_moves_only_so_much_the_emptiest_objects_first() {
        let half = OBJECT_BYTES as u64 / 2;
        let names: Vec<String> = (0..80).map(|number| number.to_string()).collect();
        let objects = names.iter().map(|name| object(name, 5 * half, YOUNG));
        let length = |number: u64| half - 100 + number;
        let used = names.iter().zip(0..);
        let used = used.map(|(name, number)| piece(name, 0, length(number)));
        let plan = plan("site/", objects.collect(), used.collect(), NOW);
        let groups: Vec<usize> = plan.moves.iter().map(Vec::len).collect();
        assert_eq!(groups, [2; 16]);
        assert_eq!(plan.moves[0][0].object, "0");
    }
}
