"""The outbox: events become deliveries, deliveries become messages, and what does not arrive is tried again."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, select

from selfservice.accounts.accounts import Accounts
from selfservice.accounts.models import Person
from selfservice.errors import ApplicationError
from selfservice.notifications.events import NEEDED, EventKind
from selfservice.notifications.models import Delivery, Happening, Target
from selfservice.notifications.postbox import SECONDS, Answer, Postbox
from selfservice.notifications.sealing import sealing
from selfservice.notifications.targets import is_quiet
from selfservice.scope import NOTHING, Sight, scope_of_json, sees
from selfservice.settings import Settings
from selfservice.store.database import Database
from selfservice.store.ids import new_id
from selfservice.store.sealing import SealBroken

log = logging.getLogger(__name__)

#: After each try that failed, so long until the next one; after the last, each hour.
_WAITS = (10, 60, 300, 900, 3600)
#: What has not arrived by then is given up.
_GIVE_UP_AFTER = timedelta(hours=24)
_KEPT = timedelta(days=30)
_AT_ONCE = 4
_LINES = 20
_AT_A_TIME = 500
#: A target that nothing has arrived at for so long is said to be failing.
_FAILING_AFTER = timedelta(minutes=10)
_UNKNOWN = "The process that sent it was ended meanwhile; it may arrive twice."
#: Of these, only who is concerned is told where the target says so.
_OWN = frozenset({EventKind.RUN_FAILED, EventKind.RUN_SLOW, EventKind.SCHEDULE_MISSED})
#: Named people decide these, and everybody of the project may know of them.
_OF_REQUESTS = frozenset({EventKind.APPROVAL_WAITING, EventKind.APPROVAL_DECIDED})


Failing = Callable[[Target], None]
#: What a person sees, and what there is of the project of this name.
SightOf = Callable[[Person], Sight]
SightOfProject = Callable[[str], Sight]


class Outbox:
    """Works through it whenever it is told the time; one process of a master does."""

    def __init__(  # noqa: PLR0913  # what it asks is asked of others
        self,
        settings: Settings,
        database: Database,
        accounts: Accounts,
        sight_of: SightOf,
        failing: Failing,
        sight_of_project: SightOfProject = lambda _project: NOTHING,
    ) -> None:
        """Send what is in `database`, to people and projects that see what it is about.

        `failing` is told of a target that nothing arrives at for a while.
        """
        self._sight_of = sight_of
        self._sight_of_project = sight_of_project
        self._settings = settings
        self._database = database
        self._accounts = accounts
        self._failing = failing
        self._postbox = Postbox(settings)
        #: Messages that this very process is sending.
        self._sending: set[str] = set()

    def tick(self, moment: datetime | None = None) -> None:
        """Spread what happened, settle what a killed process was sending, and send what is due."""
        moment = moment or datetime.now(UTC)
        self._spread()
        self._settle(moment)
        with self._database.session() as session:
            due = select(Target).where(Target.id.in_(select(Delivery.target_id).where(Delivery.state == "due")))
            targets = list(session.scalars(due))
        if targets:
            with ThreadPoolExecutor(_AT_ONCE) as pool:
                list(pool.map(lambda target: self._see_to(target, moment), targets))

    def forget_old(self) -> None:
        """Remove what was told a month ago."""
        old = datetime.now(UTC) - _KEPT
        with self._database.session() as session:
            ended = Delivery.state.in_(("sent", "given_up"))
            session.execute(delete(Delivery).where(ended, Delivery.at < old))
            session.execute(delete(Happening).where(Happening.spread, Happening.at < old))

    def _spread(self) -> None:
        with self._database.session() as session:
            new = select(Happening).where(~Happening.spread).order_by(Happening.id).limit(_AT_A_TIME)
            happened = list(session.scalars(new))
            targets = list(session.scalars(select(Target))) if happened else []
            for each in happened:
                each.spread = True
                for target in targets:
                    if self._asks_for(target, each):
                        session.add(
                            Delivery(target_id=target.id, event_id=each.id, text=each.text, link=each.link, at=each.at,
                                     due_at=each.at)
                        )  # fmt: skip

    def _asks_for(self, target: Target, happening: Happening) -> bool:
        """Whether a target is told: only what its person, or whoever is in its project, sees."""
        kind = EventKind(happening.kind)
        if kind.value not in target.events or happening.at < target.created_at:
            return False
        if target.project is not None:
            to_somebody = happening.private and kind not in _OF_REQUESTS
            return not to_somebody and sees(self._sight_of_project(target.project), scope_of_json(happening.about))
        person = self._accounts.find(target.person or "")
        if person is None or not person.active or not person.may(NEEDED[kind]):
            return False
        if not sees(self._sight_of(person), scope_of_json(happening.about)):
            return False
        concerned = not happening.people or target.person in happening.people
        return concerned or not (happening.private or (target.only_mine and kind in _OWN))

    def _settle(self, moment: datetime) -> None:
        """Messages that another process was sending: what came of them, where that is known."""
        with self._database.session() as session:
            statement = select(Delivery.message, Delivery.tried_at).where(Delivery.state == "sending").distinct()
            left = [(message, at) for message, at in session.execute(statement) if message not in self._sending]
        for message, tried_at in left:
            if answer := self._postbox.answer(message):
                self._end(message, answer, moment)
            elif tried_at is None or moment - tried_at > timedelta(seconds=SECONDS):
                self._end(message, Answer(error=_UNKNOWN), moment)

    def _see_to(self, target: Target, moment: datetime) -> None:
        try:
            message = new_id(moment)
            self._sending.add(message)
            try:
                if due := self._claim(target, message, moment):
                    self._end(message, self._send(target, message, due), moment)
            finally:
                self._sending.discard(message)
        except Exception:  # what goes wrong with one target spoils no other
            log.exception("target %d could not be told", target.id)

    def _claim(self, target: Target, message: str, moment: datetime) -> list[Delivery]:
        """What goes into the next message, marked as being sent; nothing where it is not time for one."""
        due = [Delivery.target_id == target.id, Delivery.state == "due", Delivery.due_at <= moment]
        collecting = target.last_sent_at and moment - target.last_sent_at < timedelta(seconds=target.digest_seconds)
        if collecting or is_quiet(target, moment):
            due.append(Delivery.event_id.is_(None))  # a test is answered at once
        with self._database.session() as session:
            found = list(session.scalars(select(Delivery).where(*due).order_by(Delivery.id)))
            tests = [each for each in found if each.event_id is None]
            found = tests[:1] or found
            for each in found:
                each.state, each.message, each.tried_at = "sending", message, moment
                each.attempts += 1
        return found

    def _send(self, target: Target, message: str, due: list[Delivery]) -> Answer:
        title, body = written(due, self._settings)
        try:
            url = sealing(self._settings).unseal(target.sealed)
            return self._postbox.send(message, url, title, body)
        except SealBroken:
            return Answer(error="Its address was sealed by another key: remove this target and add it anew.")
        except (ApplicationError, OSError) as error:
            return Answer(error=getattr(error, "sentence", str(error)))

    def _end(self, message: str, answer: Answer, moment: datetime) -> None:
        """Record what came of a message; then nobody needs its answer any more."""
        with self._database.session() as session:
            of_message = select(Delivery).where(Delivery.message == message, Delivery.state == "sending")
            sent = list(session.scalars(of_message))
            for each in sent:
                each.error = answer.error
                if not answer.error:
                    each.state = "sent"
                elif each.event_id is None or moment - each.at > _GIVE_UP_AFTER:
                    each.state = "given_up"
                else:
                    wait = _WAITS[min(each.attempts, len(_WAITS)) - 1]
                    each.state, each.due_at = "due", moment + timedelta(seconds=wait)
            target = session.get(Target, sent[0].target_id) if sent else None
            if target and answer.error != _UNKNOWN:
                target.last_error = answer.error
                target.failing_since = (target.failing_since or moment) if answer.error else None
                target.last_sent_at = target.last_sent_at if answer.error else moment
        self._postbox.forget(message)
        if target and target.failing_since and moment - target.failing_since > _FAILING_AFTER:
            self._failing(target)


def written(due: list[Delivery], settings: Settings) -> tuple[str, str]:
    """Title and body of the message that tells of all these."""
    where = f" on {settings.node_name}" if settings.node_name else ""
    lines = [f"{each.text}{_link(each, settings)}" for each in due[:_LINES]]
    if len(due) == 1:
        return f"Selfservice{where}", lines[0]
    left_out = [f"and {len(due) - _LINES} more"] if len(due) > _LINES else []
    return f"Selfservice{where}: {len(due)} events", "\n".join([*(f"- {line}" for line in lines), *left_out])


def _link(delivery: Delivery, settings: Settings) -> str:
    return f"\n{settings.public_url.rstrip('/')}{delivery.link}" if delivery.link and settings.public_url else ""
