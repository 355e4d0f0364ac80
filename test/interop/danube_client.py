"""Publishes and consumes with the official Python client (PyPI danube-client).

python danube_client.py URL TOPIC COUNT  -> one JSON object: what was sent, what arrived, in order.
The subscription exists before the first message is sent, because a new one starts at the latest message.
"""
import asyncio
import base64
import json
import sys

from danube import DanubeClientBuilder, DispatchStrategy, SubType


def payload(number: int) -> bytes:
    """Bytes of every value, so that a text conversion anywhere on the way would show."""
    return number.to_bytes(8, "big") + bytes((number + i) % 256 for i in range(1016))


async def main(url: str, topic: str, count: int) -> None:
    client = await DanubeClientBuilder().service_url(url).build()
    producer = client.new_producer().with_topic(topic).with_name("python-producer")
    producer = producer.with_dispatch_strategy(DispatchStrategy.RELIABLE).build()
    await producer.create()

    consumer = client.new_consumer().with_topic(topic).with_consumer_name("python-consumer")
    consumer = consumer.with_subscription("python-sub").with_subscription_type(SubType.EXCLUSIVE).build()
    await consumer.subscribe()
    queue = await consumer.receive()

    received = []

    async def consume() -> None:
        while len(received) < count:
            message = await asyncio.wait_for(queue.get(), timeout=30)
            received.append(
                {
                    "offset": message.msg_id.topic_offset,
                    "payload": base64.b64encode(message.payload).decode(),
                    "attributes": dict(message.attributes),
                    "publishTimeMs": message.publish_time,
                    "producerName": message.producer_name,
                    "subscription": message.subscription_name,
                }
            )
            await consumer.ack(message)

    consuming = asyncio.create_task(consume())
    for number in range(count):
        await producer.send(payload(number), {"number": str(number), "ключ": f"värde-{number}"})
    await asyncio.wait_for(consuming, timeout=60)

    print(json.dumps({"sent": count, "received": received}))
    await producer.close()
    await consumer.close()


asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
