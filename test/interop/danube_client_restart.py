"""A producer and a consumer of the official Python client (PyPI danube-client) that run while the broker restarts.

python danube_client_restart.py URL TOPIC
  Prints {"acked": N, "received": M} on a line each time either grew by 50. A line on stdin ends the publishing; then
  everything acknowledged is waited for, and the last line is one JSON object: the numbers acknowledged, and what arrived.

It handles what a plain program would: a call that fails because the connection dropped. Sends are repeated by its
own loop (at least once), an acknowledgement that failed is left to the redelivery. Anything else ends it.
"""
import asyncio
import base64
import json
import sys

import grpc
from danube import DanubeClientBuilder, DispatchStrategy, SubType


def payload(number: int) -> bytes:
    return number.to_bytes(8, "big") + bytes((number + i) % 256 for i in range(120))


def dropped(error: grpc.aio.AioRpcError) -> bool:
    return error.code() == grpc.StatusCode.UNAVAILABLE


async def main(url: str, topic: str) -> None:
    client = await DanubeClientBuilder().service_url(url).build()
    producer = client.new_producer().with_topic(topic).with_name("python-producer")
    producer = producer.with_dispatch_strategy(DispatchStrategy.RELIABLE).build()
    await producer.create()
    consumer = client.new_consumer().with_topic(topic).with_consumer_name("python-consumer")
    consumer = consumer.with_subscription("python-sub").with_subscription_type(SubType.EXCLUSIVE).build()
    await consumer.subscribe()
    queue = await consumer.receive()

    acked: list[int] = []
    received: list[dict] = []
    failures = {"send": 0, "ack": 0}
    stop = asyncio.Event()
    reported = 0

    def report() -> None:
        nonlocal reported
        if len(acked) + len(received) < reported + 50:
            return
        reported = len(acked) + len(received)
        print(json.dumps({"acked": len(acked), "received": len(received)}), flush=True)

    async def publish() -> None:
        number = 0
        while not stop.is_set():
            try:
                await producer.send(payload(number), {"number": str(number), "ключ": f"värde-{number}"})
            except grpc.aio.AioRpcError as error:
                if not dropped(error):
                    raise
                failures["send"] += 1
                await asyncio.sleep(0.05)
                continue
            acked.append(number)
            number += 1
            report()
            await asyncio.sleep(0.002)

    async def consume() -> None:
        while True:
            message = await queue.get()
            received.append(
                {
                    "number": int.from_bytes(message.payload[:8], "big"),
                    "offset": message.msg_id.topic_offset,
                    "payload": base64.b64encode(message.payload).decode(),
                    "attributes": dict(message.attributes),
                    "producerName": message.producer_name,
                }
            )
            report()
            try:
                await consumer.ack(message)
            except grpc.aio.AioRpcError as error:
                if not dropped(error):
                    raise
                failures["ack"] += 1

    async def complete() -> None:
        while not set(acked) <= {message["number"] for message in received}:
            await asyncio.sleep(0.1)

    publishing = asyncio.create_task(publish())
    consuming = asyncio.create_task(consume())

    async def told_to_stop() -> None:
        # No thread: one that waits for stdin would keep a program alive that ended with an error.
        reader = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        await reader.readline()
        stop.set()
        await publishing

    async def whole_run() -> None:
        await told_to_stop()
        try:
            await asyncio.wait_for(complete(), timeout=60)
        except asyncio.TimeoutError:
            pass  # The judge sees what is missing.

    # A task that ends with an error ends the program with it.
    run = asyncio.create_task(whole_run())
    waiting = {run, publishing, consuming}
    while not run.done():
        done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    consuming.cancel()
    print(json.dumps({"ackedNumbers": acked, "received": received, "failures": failures}), flush=True)
    await producer.close()
    await consumer.close()


asyncio.run(main(sys.argv[1], sys.argv[2]))
