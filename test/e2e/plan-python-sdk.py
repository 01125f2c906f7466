"""Two services with the original's Python SDK, unchanged. Arguments: the server's base URL, the project's key. Each line it writes is a JSON object."""

import asyncio
import json
import sys

from orra import CompensationResult, CompensationStatus, OrraAgent, OrraService, RevertSource, Task
from pydantic import BaseModel

url, key = sys.argv[1:]
runs: dict[str, int] = {}


class Message(BaseModel):
    message: str


def tell(**what) -> None:
    print(json.dumps(what), flush=True)


def count(name: str) -> int:
    runs[name] = runs.get(name, 0) + 1
    return runs[name]


async def main() -> None:
    echo = OrraService(
        name="echo",
        description="Gives back what it is told.",
        url=url,
        api_key=key,
        persistence_method="custom",
        custom_save=forget,
        custom_load=nothing,
        log_level="CRITICAL",
        revertible=True,
        revert_ttl_ms=60_000,
    )
    gate = OrraAgent(
        name="gate",
        description="Lets a message through, or stops everything.",
        url=url,
        api_key=key,
        persistence_method="custom",
        custom_save=forget,
        custom_load=nothing,
        log_level="CRITICAL",
    )

    @echo.handler()
    async def on_echo(task: Task[Message]) -> Message:
        tell(event="ran", service="echo", message=task.input.message, run=count(task.input.message))
        await task.push_update({"progress": 50})
        return Message(message=task.input.message)

    @echo.revert_handler()
    async def on_revert(source: RevertSource[Message, Message]) -> CompensationResult:
        context = source.context
        tell(
            event="reverted",
            input=source.input.message,
            output=source.output.message,
            reason=context.reason if context else None,
            payload=context.payload if context else None,
            plan=context.orchestration_id if context else None,
        )
        return CompensationResult(status=CompensationStatus.COMPLETED)

    @gate.handler()
    async def on_gate(task: Task[Message]) -> Message:
        if task.input.message == "stop":
            await task.abort({"why": "it says stop"})
        if task.input.message == "fail once" and count("gate fails") == 1:
            raise RuntimeError("not yet")
        return Message(message=f"passed: {task.input.message}")

    await echo.start()
    await gate.start()
    tell(event="ready", echo=echo.id, gate=gate.id)
    # Ends with who started it.
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


async def forget(_: str) -> None:
    pass


async def nothing() -> None:
    return None


asyncio.run(main())
