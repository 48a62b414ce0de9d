"""Routes as data: each says who may call it, what it takes and what it answers.

The views, the checks and the OpenAPI document are all made from them, so they cannot disagree.
A handler is a plain function. Its first argument is a Look (GET) or a Work (everything else);
`body`, `query` and `call` are given where it names them, and the rest stands in the path.
What has to be asked of a rail is asked before the transaction begins and given as `looked`. What
takes several transactions with the rail in between `begins` outside of one, once for each key, and
its end is given as `begun`; what it refuses is answered as if the handler had.
A route whose handler names `file` takes a form with a file in it instead of JSON: its bytes are
checked and kept before the transaction, and `file_name` is what they were called; one that names
`table` is given the form's file as it came, to read it.
"""

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from http import HTTPStatus
from typing import Any, TypeVar, get_type_hints

from flask import Blueprint, Response
from pydantic import BaseModel, TypeAdapter

from reconciler.books.people import Scope
from reconciler.errors import NotFound, Refused
from reconciler.flows import keep_file
from reconciler.flows.keep_file import Download
from reconciler.reads.pages import Session
from reconciler.runtime import Runtime
from reconciler.services.api_keys import Principal
from reconciler.services.idempotency import Answer
from reconciler.web import downloads, http
from reconciler.web.downloads import Spooled
from reconciler.work import Cause, Work

_GIVEN = frozenset({"body", "query", "call", "looked", "begun", "file", "file_name", "table"})

F = TypeVar("F", bound=Callable[..., object])
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Look:
    """A reading: one snapshot of the database, and now."""

    session: Session
    now: datetime

    @property
    def today(self) -> date:
        """The day it is, in UTC."""
        return self.now.date()


@dataclass(frozen=True, slots=True)
class Call:
    """Around a request: the process and who asks."""

    runtime: Runtime
    principal: Principal

    def do(self, step: Callable[[Work], T]) -> T:
        """Change the books in a transaction of its own, in the name of whoever asks."""
        cause = Cause("api_key", self.principal.id)
        return self.runtime.do(cause, http.accountable(step))


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One method on one path."""

    method: str
    path: str
    tag: str
    scope: Scope
    status: HTTPStatus
    handler: Callable[..., object]
    body: type[BaseModel] | None
    query: type[BaseModel] | None
    takes_call: bool
    takes_file: bool
    keeps_file: bool
    looks: Callable[..., object] | None
    begins: Callable[..., object] | None
    in_path: tuple[str, ...]
    returns: Any

    @property
    def name(self) -> str:
        """The operation's id."""
        return f"{self.tag.replace('-', '_')}_{self.handler.__name__}"

    @property
    def hands_out_a_file(self) -> bool:
        """Whether what it answers is a file instead of JSON."""
        return self.returns in (Download, Spooled)

    @property
    def answers(self) -> TypeAdapter[Any]:
        """How what it answers is written."""
        return _adapter(self.returns)

    @property
    def rule(self) -> str:
        """The path as Flask writes it."""
        return self.path.replace("{", "<").replace("}", ">")


@dataclass
class Resource:
    """The routes of one noun."""

    tag: str
    routes: list[Route] = field(default_factory=list)

    def get(
        self,
        path: str,
        scope: Scope = Scope.READ,
        looks: Callable[..., object] | None = None,
    ) -> Callable[[F], F]:
        """Register a reading; `looks` as with `post`."""
        return self._route("GET", path, scope, HTTPStatus.OK, looks)

    def post(
        self,
        path: str,
        scope: Scope = Scope.WRITE,
        status: HTTPStatus = HTTPStatus.OK,
        looks: Callable[..., object] | None = None,
        begins: Callable[..., object] | None = None,
    ) -> Callable[[F], F]:
        """Register something that is done, or made (201).

        `looks` is called with the runtime and what stands in the path, outside any transaction;
        `begins` with the Call, the body and what stands in the path, and may change the books.
        """
        return self._route("POST", path, scope, status, looks, begins)

    def patch(self, path: str, scope: Scope = Scope.WRITE) -> Callable[[F], F]:
        """Register a change of some fields."""
        return self._route("PATCH", path, scope, HTTPStatus.OK)

    def put(self, path: str, scope: Scope = Scope.ADMIN) -> Callable[[F], F]:
        """Register a setting."""
        return self._route("PUT", path, scope, HTTPStatus.OK)

    def delete(self, path: str, scope: Scope = Scope.WRITE) -> Callable[[F], F]:
        """Register an undoing. It answers with what it was undone on."""
        return self._route("DELETE", path, scope, HTTPStatus.OK)

    def _route(
        self,
        method: str,
        path: str,
        scope: Scope,
        status: HTTPStatus,
        looks: Callable[..., object] | None = None,
        begins: Callable[..., object] | None = None,
    ) -> Callable[[F], F]:
        def register(handler: F) -> F:
            hints = get_type_hints(handler, include_extras=True)
            named = list(inspect.signature(handler).parameters)[1:]
            self.routes.append(
                Route(
                    method=method,
                    path=path,
                    tag=self.tag,
                    scope=scope,
                    status=status,
                    handler=handler,
                    body=hints.get("body"),
                    query=hints.get("query"),
                    takes_call="call" in named,
                    takes_file="file" in named or "table" in named,
                    keeps_file="file" in named,
                    looks=looks,
                    begins=begins,
                    in_path=tuple(n for n in named if n not in _GIVEN),
                    returns=hints["return"],
                )
            )
            return handler

        return register


@functools.cache  # made at the first answer of each: most processes need few of them
def _adapter(returned: type[object]) -> TypeAdapter[Any]:
    """How an answer is written; of a file that was made just now, nothing is."""
    return TypeAdapter(object) if returned is Spooled else TypeAdapter(returned)


def add_to(blueprint: Blueprint, runtime: Runtime, route: Route) -> None:
    """Make the route's view."""

    def view(**in_path: str) -> Response:
        who = http.principal(runtime, route.scope)
        for name, value in in_path.items():
            if not value.isprintable():
                raise NotFound(f"there is no such {name}")
        given: dict[str, object] = dict(in_path)
        if route.takes_call:
            given["call"] = Call(runtime, who)
        if route.query:
            given["query"] = http.query_of(route.query)
        return (
            _read(runtime, route, given)
            if route.method == "GET"
            else _write(runtime, route, who, given)
        )

    blueprint.add_url_rule(route.rule, endpoint=route.name, view_func=view, methods=[route.method])


def _read(runtime: Runtime, route: Route, given: dict[str, object]) -> Response:
    _look(runtime, route, given)
    with runtime.read() as session:
        found = route.handler(Look(session, runtime.now()), **given)
    if isinstance(found, Download | Spooled):
        return downloads.answer(found)
    return http.respond(_answer(route, found))


def _write(runtime: Runtime, route: Route, who: Principal, given: dict[str, object]) -> Response:
    if route.takes_file:
        return _write_file(runtime, route, who, given)
    body = http.sent()
    if route.body:
        given["body"] = http.body_of(route.body, body)
    _look(runtime, route, given)
    step = _step(route, given)
    if route.begins:
        kept = http.answered(runtime, who, body)
        if kept is not None:
            return http.respond(kept, was_kept=True)
        named = {name: given[name] for name in route.in_path}
        try:
            given["begun"] = route.begins(Call(runtime, who), given["body"], **named)
        except Refused as refusal:
            step = _refusing(refusal)
    answer, was_kept = http.once(runtime, who, body, step)
    return http.respond(answer, was_kept=was_kept)


def _refusing(refusal: Refused) -> Callable[[Work], Answer]:
    def step(work: Work) -> Answer:
        del work
        raise refusal

    return step


def _write_file(
    runtime: Runtime, route: Route, who: Principal, given: dict[str, object]
) -> Response:
    file, body = http.sent_file()
    if route.body:
        given["body"] = http.body_of(route.body, body)
    if not route.keeps_file:
        given["table"] = file
        answer, was_kept = http.once(runtime, who, body, _step(route, given))
        return http.respond(answer, was_kept=was_kept)
    given["file_name"] = file.name
    with keep_file.kept(runtime, file.body) as kept:
        given["file"] = kept
        answer, was_kept = http.once(runtime, who, body, _step(route, given))
        if was_kept or answer.status >= HTTPStatus.BAD_REQUEST:
            keep_file.discard(runtime, kept)
    return http.respond(answer, was_kept=was_kept)


def _step(route: Route, given: dict[str, object]) -> Callable[[Work], Answer]:
    def step(work: Work) -> Answer:
        return _answer(route, route.handler(work, **given))

    return http.accountable(step)


def _look(runtime: Runtime, route: Route, given: dict[str, object]) -> None:
    """What has to be asked of a rail, before a transaction begins."""
    if route.looks:
        named = {name: given[name] for name in route.in_path}
        given["looked"] = route.looks(runtime, **named)


def _answer(route: Route, found: object) -> Answer:
    return Answer(route.status, route.answers.dump_json(found).decode())
