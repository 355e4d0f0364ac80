"""How the official Python client (PyPI danube-client) behaves towards a broker, observed from outside.

python python_client_probe.py NODE SERVE_TS  -> one JSON object, a key for each observation.
SERVE_TS is the test broker as a process (serve.ts); every probe talks to it through the real client.
"""
import asyncio
import json
import logging
import sys

import grpc
from danube import DanubeClientBuilder, DispatchStrategy, SubType

logging.disable(logging.CRITICAL)

CODES = {code.name: code.value[0] for code in grpc.StatusCode if code.name != "OK"}


class Broker:
    """The test broker process: one command line in, one answer line out."""

    async def start(self, node, serve):
        self.process = await asyncio.create_subprocess_exec(
            node, "--conditions=@danube/source", serve, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
        self.url = json.loads(await self.process.stdout.readline())["url"]
        return self

    async def tell(self, do, **more):
        self.process.stdin.write((json.dumps({"do": do, **more}) + "\n").encode())
        await self.process.stdin.drain()
        return json.loads(await self.process.stdout.readline())

    async def counts(self):
        return (await self.tell("state"))["counts"]

    async def stop(self):
        self.process.stdin.close()
        await self.process.wait()


async def new_producer(broker, topic):
    client = await DanubeClientBuilder().service_url(broker.url).build()
    producer = client.new_producer().with_topic(topic).with_name("p")
    producer = producer.with_dispatch_strategy(DispatchStrategy.RELIABLE).build()
    await producer.create()
    return producer


async def new_consumer(broker, topic):
    client = await DanubeClientBuilder().service_url(broker.url).build()
    consumer = client.new_consumer().with_topic(topic).with_consumer_name("c")
    consumer = consumer.with_subscription("s").with_subscription_type(SubType.EXCLUSIVE).build()
    await consumer.subscribe()
    return consumer, await consumer.receive()


def outcome(error):
    if isinstance(error, grpc.aio.AioRpcError):
        return f"raises {error.code().name}"
    return f"raises {type(error).__name__}"


async def attempt(work, limit):
    try:
        await asyncio.wait_for(work, limit)
        return "succeeds"
    except asyncio.TimeoutError:
        return "still trying"
    except Exception as error:  # what the application would see
        return outcome(error)


async def delta(broker, call, work):
    """What `work` came to, and how many calls of one kind it made."""
    before = (await broker.counts()).get(call, 0)
    result = await work
    return result, (await broker.counts()).get(call, 0) - before


async def send_codes(broker):
    """One send that meets a status twice and would then be accepted."""
    found = {}
    for name, code in CODES.items():
        topic = f"/default/send-{name.replace('_', '-').lower()}"
        producer = await new_producer(broker, topic)
        await broker.tell("fault", call="SendMessage", code=code, times=2)
        result, sends = await delta(broker, "SendMessage", attempt(producer.send(b"x"), 20))
        found[name] = {"result": result, "sends": sends}
        await broker.tell("fault", call="none", code=0)
        await producer.close()
    return found


async def create_codes(broker):
    found = {}
    for name, code in CODES.items():
        await broker.tell("fault", call="CreateProducer", code=code, times=2)
        result, calls = await delta(
            broker, "CreateProducer", attempt(new_producer(broker, f"/default/create-{name.replace('_', '-').lower()}"), 20)
        )
        found[name] = {"result": result, "calls": calls}
    await broker.tell("fault", call="none", code=0)
    return found


async def subscribe_codes(broker):
    found = {}
    for name, code in CODES.items():
        topic = f"/default/subscribe-{name.replace('_', '-').lower()}"
        await (await new_producer(broker, topic)).close()
        await broker.tell("fault", call="Subscribe", code=code, times=2)
        result, calls = await delta(broker, "Subscribe", attempt(new_consumer(broker, topic), 20))
        found[name] = {"result": result, "calls": calls}
    await broker.tell("fault", call="none", code=0)
    return found


async def send_refused_for_ever(broker, name):
    producer = await new_producer(broker, "/default/for-ever")
    await broker.tell("fault", call="SendMessage", code=CODES[name])
    before = await broker.counts()
    result = await attempt(producer.send(b"x"), 12)
    after = await broker.counts()
    await broker.tell("fault", call="none", code=0)
    await producer.close()
    made = lambda call: after.get(call, 0) - before.get(call, 0)
    return {"after12s": result, "moreThan6Sends": made("SendMessage") > 6, "registersAgain": made("CreateProducer") > 0}


async def producer_over_restart(broker, answer):
    topic = "/default/producer-restart"
    await broker.tell("configure", code=CODES[answer])
    producer = await new_producer(broker, topic)
    await producer.send(b"before")
    await broker.tell("stop")
    await broker.tell("start")
    return {"firstSendAfterRestart": await attempt(producer.send(b"after"), 20)}


async def producer_after_close_signal(broker):
    producer = await new_producer(broker, "/default/producer-close")
    await broker.tell("health", say="close")
    await asyncio.sleep(6)
    before = await broker.counts()
    await producer.send(b"x")
    await broker.tell("health", say="ok")
    await asyncio.sleep(6)
    after = await broker.counts()
    return {
        "registersAgain": after["CreateProducer"] > before["CreateProducer"],
        "healthChecksGoOn": after["HealthCheck"] > before["HealthCheck"],
    }


async def consumer_over_restart(broker, keep_ids=False, health="ok", down_s=0):
    """A restart between two messages: does the second one arrive, and what does the client do until then?"""
    topic = "/default/consumer-restart"
    await broker.tell("configure", keepIds=keep_ids)
    await broker.tell("health", say=health)
    await (await new_producer(broker, topic)).close()
    consumer, queue = await new_consumer(broker, topic)
    await broker.tell("append", topic=topic)
    await consumer.ack(await asyncio.wait_for(queue.get(), 10))
    await broker.tell("stop")
    await asyncio.sleep(down_s)
    await broker.tell("start")
    await broker.tell("append", topic=topic)
    before = await broker.counts()
    got = await attempt(queue.get(), 12)
    after = await broker.counts()
    await consumer.close()
    streams = after["ReceiveMessages"] - before["ReceiveMessages"]
    return {
        "receivesAgain": got == "succeeds",
        "subscribesAgain": after["Subscribe"] > before["Subscribe"],
        "streamsOpened": "more than 100" if streams > 100 else "100 or fewer",
    }


async def consumer_stream_ends(broker, code):
    topic = f"/default/stream-ends-{'ok' if code is None else code}"
    await (await new_producer(broker, topic)).close()
    consumer, queue = await new_consumer(broker, topic)
    await asyncio.sleep(0.5)
    before = await broker.counts()
    await broker.tell("end", topic=topic, **({} if code is None else {"code": code}))
    await broker.tell("append", topic=topic)
    got = await attempt(queue.get(), 5)
    after = await broker.counts()
    await consumer.close()
    return {"receivesAgain": got == "succeeds", "subscribesAgain": after["Subscribe"] > before["Subscribe"]}


async def consumer_close_signal(broker, end_stream):
    topic = f"/default/consumer-close-{'ended' if end_stream else 'idle'}"
    await (await new_producer(broker, topic)).close()
    consumer, queue = await new_consumer(broker, topic)
    await asyncio.sleep(0.5)
    await broker.tell("health", say="close")
    await asyncio.sleep(6)
    await broker.tell("health", say="ok")
    before = await broker.counts()
    if end_stream:
        await broker.tell("end", topic=topic)
        await asyncio.sleep(1)
    subscribed_idle = (await broker.counts())["Subscribe"] > before["Subscribe"]
    await broker.tell("append", topic=topic)
    got = await attempt(queue.get(), 5)
    after = await broker.counts()
    await consumer.close()
    return {
        "subscribesAgainBeforeAMessage": subscribed_idle,
        "subscribesAgain": after["Subscribe"] > before["Subscribe"],
        "messageArrives": got == "succeeds",
    }


async def large_messages(broker):
    """gRPC libraries stop at 4 MiB unless told otherwise; is this client told?"""
    topic = "/default/large"
    producer = await new_producer(broker, topic)
    consumer, queue = await new_consumer(broker, topic)
    found = {}
    for label, size in (("3 MiB", 3 << 20), ("10 MiB", 10 << 20)):
        sent = await attempt(producer.send(b"x" * size), 20)
        arrived = await attempt(queue.get(), 5)
        found[label] = {"send": sent, "receive": arrived}
    await producer.close()
    await consumer.close()
    return found


async def ack_codes(broker):
    topic = "/default/ack"
    await (await new_producer(broker, topic)).close()
    consumer, queue = await new_consumer(broker, topic)
    await broker.tell("append", topic=topic)
    message = await asyncio.wait_for(queue.get(), 10)
    await broker.tell("fault", call="Ack", code=CODES["UNAVAILABLE"], times=1)
    result, calls = await delta(broker, "Ack", attempt(consumer.ack(message), 10))
    await broker.tell("fault", call="none", code=0)
    await consumer.close()
    return {"UNAVAILABLE": {"result": result, "calls": calls}}


async def main(node, serve):
    # Most of a probe is waiting: a few go side by side.
    turn = asyncio.Semaphore(4)

    async def observe(probe, *args, **kwargs):
        """Each probe has a broker of its own, so that no leftover of another counts."""
        async with turn:
            broker = await Broker().start(node, serve)
            found = await probe(broker, *args, **kwargs)
            await broker.stop()
            return found

    probes = {
        "consumerOverRestart": observe(consumer_over_restart),
        "consumerOverRestartCloseForUnknownIds": observe(consumer_over_restart, health="close-unknown"),
        "consumerOverLongRestartCloseForUnknownIds": observe(consumer_over_restart, health="close-unknown", down_s=6),
        "consumerOverLongRestartIdsKept": observe(consumer_over_restart, keep_ids=True, down_s=6),
        "send": observe(send_codes),
        "createProducer": observe(create_codes),
        "subscribe": observe(subscribe_codes),
        "ack": observe(ack_codes),
        "sendRefusedForEver": observe(send_refused_for_ever, "RESOURCE_EXHAUSTED"),
        "producerAfterClose": observe(producer_after_close_signal),
        "producerOverRestart": observe(producer_over_restart, "NOT_FOUND"),
        "producerOverRestartUnavailable": observe(producer_over_restart, "UNAVAILABLE"),
        "consumerStreamEndsOk": observe(consumer_stream_ends, None),
        "consumerStreamEndsUnavailable": observe(consumer_stream_ends, CODES["UNAVAILABLE"]),
        "consumerCloseThenStreamEnds": observe(consumer_close_signal, True),
        "consumerCloseOnly": observe(consumer_close_signal, False),
        "largeMessages": observe(large_messages),
    }
    print(json.dumps(dict(zip(probes, await asyncio.gather(*probes.values())))))


asyncio.run(main(sys.argv[1], sys.argv[2]))
