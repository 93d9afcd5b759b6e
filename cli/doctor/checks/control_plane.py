"""Who belongs to the ensemble, and who controls it: /brokers/ids, /controller and its epoch."""

from cli.doctor.checks.looking import Look, ids, silent, states_of
from cli.doctor.facts import Facts
from coordination.znodes import paths


def znodes_can_be_read(facts: Facts, look: Look) -> None:
    known = facts.znodes
    look.seen += len(known.topics) + len(known.states) + len(known.brokers)
    for path, why in known.unreadable.items():
        look.at(path, False, why)


def one_cluster(facts: Facts, look: Look) -> None:
    written = facts.znodes.cluster_id
    look.at(paths.CLUSTER_ID, written is not None, "is missing")
    for broker_id, cache in facts.caches.items():
        look.at(
            f"broker {broker_id}",
            written in (None, cache.cluster_id),
            f"is of cluster {cache.cluster_id}, ZooKeeper's is {written}",
        )
    look.unseen += silent(facts)


def brokers_answer(facts: Facts, look: Look) -> None:
    """Who is registered answers, and all of them know all of them."""
    registered = sorted(facts.znodes.brokers)
    look.at(paths.BROKER_IDS, bool(registered), "no broker is registered")
    for broker_id in registered:
        look.at(
            f"broker {broker_id}",
            broker_id not in facts.silent,
            "is registered, and doesn't answer us",
            reason=facts.silent.get(broker_id),
        )
    for broker_id, cache in facts.caches.items():
        look.at(
            f"broker {broker_id}",
            cache.broker_ids == set(registered),
            f"says that brokers {ids(sorted(cache.broker_ids))} are alive, "
            f"ZooKeeper {ids(registered)}",
        )


def one_controller(facts: Facts, look: Look) -> None:
    controller = facts.znodes.controller
    look.at(paths.CONTROLLER, controller is not None, "no controller is elected")
    if controller is not None:
        look.at(
            paths.CONTROLLER,
            controller.broker_id in facts.znodes.brokers,
            f"broker {controller.broker_id} is not in /brokers/ids",
        )
        for broker_id, cache in facts.caches.items():
            look.at(
                f"broker {broker_id}",
                cache.controller_id == controller.broker_id,
                f"takes {_who(cache.controller_id)} for the controller, "
                f"/controller says broker {controller.broker_id}",
            )
    acting = [address for address, is_acting in facts.acting.items() if is_acting]
    look.at(
        paths.CONTROLLER, len(acting) <= 1, f"the brokers at {', '.join(acting)} act as controllers"
    )
    look.unseen += [*silent(facts), *facts.why_not_acting]


def controller_epochs(facts: Facts, look: Look) -> None:
    epoch = facts.znodes.controller_epoch
    look.at(paths.CONTROLLER_EPOCH, epoch is not None, "is missing")
    look.unseen.append("the epoch that each broker was told: no request asks for it")
    if epoch is None:
        return
    for partition, state, _ in states_of(facts):
        look.at(
            partition,
            state.controller_epoch <= epoch,
            f"its state is of controller epoch {state.controller_epoch}, "
            f"/controller_epoch is {epoch}",
        )


def ephemerals_of_one_session(facts: Facts, look: Look) -> None:
    owners = facts.znodes.brokers
    for broker_id, session_id in owners.items():
        path = paths.broker(broker_id)
        look.at(path, session_id != 0, "is not ephemeral")
        others = [each for each, its in owners.items() if its == session_id and each != broker_id]
        shared = bool(session_id and others)
        look.at(path, not shared, f"its session owns brokers {others}, too")
    controller = facts.znodes.controller
    if controller is None:
        return
    owner = owners.get(controller.broker_id)
    look.at(
        paths.CONTROLLER,
        owner in (None, controller.session_id),  # not registered: `one_controller` says so
        f"another session owns it than {paths.broker(controller.broker_id)}",
        session=f"{controller.session_id:#x}",
        broker_session=None if owner is None else f"{owner:#x}",
    )


def _who(broker_id: int) -> str:
    return f"broker {broker_id}" if broker_id >= 0 else "nobody"
