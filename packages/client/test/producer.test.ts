import { status } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ClientEvent, DanubeClient } from '../src/index.ts';
import { ClientError, connect } from '../src/index.ts';
import { ClientStatus, ClientType } from '../src/protocol.ts';
import { openCuttableProxy } from './support/cuttable-proxy.ts';
import { TestBroker } from './support/test-broker.ts';
import { bytes, text, until } from './support/waiting.ts';

const topic = '/default/orders';
const quick = { baseDelayMs: 5, maxDelayMs: 50 };
let broker: TestBroker;
let client: DanubeClient;
let events: ClientEvent[];

beforeEach(async () => {
  broker = await new TestBroker().start();
  events = [];
  client = connect({ serviceUrl: broker.url, retry: quick, onEvent: (event) => events.push(event) });
});
afterEach(async () => {
  await client.close();
  broker.stop();
});

const stored = () => broker.topic(topic).log.map((message) => text(message.payload));
const caught = (promise: Promise<unknown>): Promise<ClientError> =>
  promise.then(
    () => {
      throw new Error('it did not reject');
    },
    (error: unknown) => {
      if (ClientError.is(error)) return error;
      throw error;
    },
  );

test('registers as the official clients do: lookup, CreateProducer, then health checks for that id', async () => {
  await client.createProducer({ topic, name: 'p' });
  await until(() => broker.healthChecks.length > 0);
  expect(broker.calls.slice(0, 3)).toEqual(['TopicLookup', 'CreateProducer', 'HealthCheck']);
  expect(broker.healthChecks[0]).toMatchObject({ client: ClientType.Producer, id: 1n });
});

test('a message carries everything it was given, and its id names producer, topic and broker', async () => {
  const producer = await client.createProducer({ topic, name: 'p' });
  const receipt = await producer.send(bytes('héllo'), {
    attributes: { a: '1', __proto__x: '', ['__proto__']: 'kept', '': 'empty name', '✓': '✓✓' },
    routingKey: '',
    publishTimeMs: 1_700_000_000_123,
  });
  expect(receipt).toEqual({ requestId: 1n, topic });
  await producer.send(new Uint8Array(0), { attributes: new Map([['m', 'n']]) });
  const [first, second] = broker.topic(topic).log;
  expect(first).toMatchObject({
    requestId: 1n,
    publishTime: 1_700_000_000_123n,
    producerName: 'p',
    subscriptionName: '',
    routingKey: '',
    msgId: { producerId: 1n, topicName: topic, brokerAddr: broker.url },
  });
  expect(Object.entries(first!.attributes).sort()).toEqual(
    [
      ['', 'empty name'],
      ['__proto__', 'kept'],
      ['__proto__x', ''],
      ['a', '1'],
      ['✓', '✓✓'],
    ].sort(),
  );
  expect(second).toMatchObject({ requestId: 2n, attributes: { m: 'n' } });
  expect(second!.routingKey).toBeUndefined();
  expect(second!.payload).toHaveLength(0);
});

describe('many sends at once', () => {
  const cases: [string, number[]][] = [
    ['small', [1_000]],
    ['of one frame', [8_192, 15_000, 16_000]],
    ['of several frames', [20_000, 70_000]],
    ['of any size', [10, 40_000, 100, 300_000, 1, 16_100, 16_380, 16_384, 0]],
  ];
  test.each(cases)('%s are stored in call order', async (_name, sizes) => {
    const producer = await client.createProducer({ topic, name: 'p' });
    const sends = Array.from({ length: 300 }, (_, i) =>
      producer.send(new Uint8Array(sizes[i % sizes.length]!), { attributes: { i: String(i) } }),
    );
    const receipts = await Promise.all(sends);
    expect(receipts.map(({ requestId }) => Number(requestId))).toEqual(sends.map((_, i) => i + 1));
    expect(broker.topic(topic).log.map((message) => Number(message.attributes.i))).toEqual(
      sends.map((_, i) => i),
    );
  });

  test('unordered are stored all the same, in whatever order', async () => {
    const producer = await client.createProducer({ topic, name: 'p', ordered: false });
    const sends = Array.from({ length: 300 }, (_, i) => producer.send(new Uint8Array((i * 997) % 50_000)));
    await Promise.all(sends);
    const ids = broker.topic(topic).log.map(({ requestId }) => Number(requestId));
    expect(ids.sort((a, b) => a - b)).toEqual(sends.map((_, i) => i + 1));
  });
});

test('maxInFlight bounds the calls that are under way', async () => {
  let underWay = 0;
  let most = 0;
  const producer = await client.createProducer({ topic, name: 'p', maxInFlight: 3 });
  broker.onSend = () => {
    underWay += 1;
    most = Math.max(most, underWay);
    setImmediate(() => {
      underWay -= 1;
    });
    return undefined;
  };
  await Promise.all(Array.from({ length: 30 }, (_, i) => producer.send(bytes(String(i)))));
  expect(most).toBeLessThanOrEqual(3);
  expect(stored()).toEqual(Array.from({ length: 30 }, (_, i) => String(i)));
});

describe('tries again', () => {
  for (const code of [status.UNAVAILABLE, status.DEADLINE_EXCEEDED, status.RESOURCE_EXHAUSTED]) {
    test(`after ${status[code]}, with a new lookup, until it succeeds`, async () => {
      const producer = await client.createProducer({ topic, name: 'p' });
      let refusals = 3;
      broker.onSend = () => (refusals-- > 0 ? { answer: code } : undefined);
      const before = broker.calls.filter((call) => call === 'TopicLookup').length;
      await producer.send(bytes('a'));
      expect(stored()).toEqual(['a']);
      expect(broker.calls.filter((call) => call === 'TopicLookup').length).toBe(before + 3);
      expect(events.filter(({ kind }) => kind === 'reconnecting')).toMatchObject([
        { attempt: 1 },
        { attempt: 2 },
        { attempt: 3 },
      ]);
    });
  }

  test('and gives up after maxRetries with the code and the number of tries', async () => {
    const producer = await client.createProducer({ topic, name: 'p', retry: { maxRetries: 2 } });
    broker.onSend = () => ({ answer: status.RESOURCE_EXHAUSTED });
    const error = await caught(producer.send(bytes('a')));
    expect(error).toMatchObject({
      code: 'RESOURCE_EXHAUSTED',
      outcome: 'refused',
      retryable: true,
      context: { attempts: 3, topic, requestId: 1n, grpcStatus: 'RESOURCE_EXHAUSTED' },
    });
    expect(error.message.startsWith('RESOURCE_EXHAUSTED: ')).toBe(true);
    expect(stored()).toEqual([]);
  });

  test('CreateProducer too, and only on the three codes', async () => {
    let refusals = 2;
    broker.onCall = (name) => (name === 'CreateProducer' && refusals-- > 0 ? status.UNAVAILABLE : undefined);
    await client.createProducer({ topic, name: 'p' });
    broker.onCall = (name) => (name === 'CreateProducer' ? status.FAILED_PRECONDITION : undefined);
    const before = broker.calls.length;
    const error = await caught(client.createProducer({ topic, name: 'q', dispatch: 'reliable' }));
    expect(error).toMatchObject({ code: 'FAILED_PRECONDITION', retryable: false });
    expect(broker.calls.slice(before).filter((call) => call === 'CreateProducer')).toHaveLength(1);
  });
});

describe('never tries again', () => {
  const cases = [
    [status.INVALID_ARGUMENT, 'INVALID_ARGUMENT', 'refused'],
    [status.PERMISSION_DENIED, 'PERMISSION_DENIED', 'refused'],
    [status.UNAUTHENTICATED, 'UNAUTHENTICATED', 'refused'],
    [status.FAILED_PRECONDITION, 'FAILED_PRECONDITION', 'refused'],
    [status.INTERNAL, 'OUTCOME_UNKNOWN', 'unknown'],
    [status.UNKNOWN, 'OUTCOME_UNKNOWN', 'unknown'],
    [status.ABORTED, 'OUTCOME_UNKNOWN', 'unknown'],
    [status.DATA_LOSS, 'OUTCOME_UNKNOWN', 'unknown'],
  ] as const;
  for (const [answer, code, outcome] of cases) {
    test(`a send answered ${status[answer]}: ${code}, outcome ${outcome}`, async () => {
      const producer = await client.createProducer({ topic, name: 'p' });
      let asked = 0;
      broker.onSend = () => {
        asked += 1;
        return { answer };
      };
      expect(await caught(producer.send(bytes('a')))).toMatchObject({ code, outcome, retryable: false });
      expect(asked).toBe(1);
    });
  }
});

test('a producer id that the broker has forgotten is registered anew and the message stored once', async () => {
  const producer = await client.createProducer({ topic, name: 'p' });
  await producer.send(bytes('a'));
  broker.stop();
  await broker.start();
  await producer.send(bytes('b'));
  expect(stored()).toEqual(['a', 'b']);
});

test('a broker that restarts on its port: every send is stored, in order, without the caller noticing', async () => {
  const producer = await client.createProducer({ topic, name: 'p', retry: { maxRetries: 1_000 } });
  await producer.send(bytes('0'));
  broker.stop();
  const sends = Array.from({ length: 20 }, (_, i) => producer.send(bytes(String(i + 1))));
  await until(() => events.some(({ kind }) => kind === 'reconnecting'));
  await broker.start();
  await Promise.all(sends);
  expect(stored()).toEqual(Array.from({ length: 21 }, (_, i) => String(i)));
  expect(events.at(-1)).toMatchObject({ kind: 'reconnected', role: 'producer' });
});

describe('when the outcome is unknown', () => {
  /** Stores the first message and drops the connection instead of answering. */
  const loseAnswerOnce = () => {
    let first = true;
    broker.onSend = () => {
      if (!first) return undefined;
      first = false;
      setImmediate(() => {
        broker.stop();
        void broker.start();
      });
      return { silent: true, store: true };
    };
  };

  test('the default sends again under the same request id: at least once, here twice', async () => {
    const producer = await client.createProducer({ topic, name: 'p', retry: { maxRetries: 1_000 } });
    loseAnswerOnce();
    await producer.send(bytes('a'), { publishTimeMs: 5 });
    const { log } = broker.topic(topic);
    expect(log.map((message) => [message.requestId, message.publishTime, text(message.payload)])).toEqual([
      [1n, 5n, 'a'],
      [1n, 5n, 'a'],
    ]);
  });

  test('retryUnknown: false rejects with OUTCOME_UNKNOWN and does not send again', async () => {
    const producer = await client.createProducer({ topic, name: 'p', retryUnknown: false });
    loseAnswerOnce();
    const error = await caught(producer.send(bytes('a')));
    expect(error).toMatchObject({ code: 'OUTCOME_UNKNOWN', outcome: 'unknown', retryable: false });
    expect(stored()).toEqual(['a']);
  });

  test('a connection cut while the answer is due is UNAVAILABLE and unknown', async () => {
    const proxy = await openCuttableProxy(broker.port);
    broker.lookup = { connectUrl: proxy.url };
    const producer = await client.createProducer({ topic, name: 'p', retryUnknown: false });
    broker.onSend = () => {
      setImmediate(proxy.cut);
      return { silent: true, store: true };
    };
    expect(await caught(producer.send(bytes('a')))).toMatchObject({
      code: 'OUTCOME_UNKNOWN',
      context: { grpcStatus: 'UNAVAILABLE', lastCode: 'UNAVAILABLE' },
    });
    // Afterwards the producer is as good as new.
    broker.onSend = () => undefined;
    await producer.send(bytes('b'));
    expect(stored()).toEqual(['a', 'b']);
    proxy.close();
  });

  test('retryUnknown: false still tries again what was certainly refused, here or by a dead port', async () => {
    const producer = await client.createProducer({
      topic,
      name: 'p',
      retryUnknown: false,
      retry: { maxRetries: 1_000 },
    });
    let refusals = 2;
    broker.onSend = () => (refusals-- > 0 ? { answer: status.UNAVAILABLE } : undefined);
    await producer.send(bytes('a'));
    broker.stop();
    // The client has seen the connection go: the next sends never leave.
    await until(() => broker.calls.length > 0);
    await new Promise((resolve) => setTimeout(resolve, 50));
    const sending = producer.send(bytes('b'));
    await until(() => events.filter(({ kind }) => kind === 'reconnecting').length > 4);
    await broker.start();
    await sending;
    expect(stored()).toEqual(['a', 'b']);
  });

  test('a later certain refusal does not make an unknown outcome known', async () => {
    const producer = await client.createProducer({ topic, name: 'p' });
    let calls = 0;
    broker.onSend = () => {
      calls += 1;
      return calls === 1
        ? { answer: status.DEADLINE_EXCEEDED, store: true }
        : { answer: status.INVALID_ARGUMENT };
    };
    expect(await caught(producer.send(bytes('a')))).toMatchObject({
      code: 'OUTCOME_UNKNOWN',
      outcome: 'unknown',
      context: { lastCode: 'INVALID_ARGUMENT', attempts: 2 },
    });
  });

  test('a broker that never answers: unknown after the time-out and the retries', async () => {
    const impatient = connect({
      serviceUrl: broker.url,
      requestTimeoutMs: 100,
      retry: { ...quick, maxRetries: 1 },
    });
    const producer = await impatient.createProducer({ topic, name: 'p' });
    broker.onSend = () => ({ silent: true, store: false });
    expect(await caught(producer.send(bytes('a')))).toMatchObject({
      code: 'OUTCOME_UNKNOWN',
      context: { lastCode: 'UNAVAILABLE', grpcStatus: 'DEADLINE_EXCEEDED', attempts: 2 },
    });
    await impatient.close();
  });

  test('with nobody at the port it is certain: refused, UNAVAILABLE', async () => {
    const producer = await client.createProducer({ topic, name: 'p', retry: { maxRetries: 1 } });
    await producer.send(bytes('a'));
    broker.stop();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(await caught(producer.send(bytes('b')))).toMatchObject({
      code: 'UNAVAILABLE',
      outcome: 'refused',
      retryable: true,
    });
  });

  test('behind a proxy UNAVAILABLE says nothing about the message', async () => {
    broker.lookup = { proxy: true, brokerUrl: 'http://10.0.0.1:6650' };
    const producer = await client.createProducer({ topic, name: 'p', retryUnknown: false });
    broker.onSend = () => ({ answer: status.UNAVAILABLE });
    expect(await caught(producer.send(bytes('a')))).toMatchObject({ code: 'OUTCOME_UNKNOWN' });
  });
});

describe('a signal', () => {
  test('that fired already: ABORTED, nothing leaves', async () => {
    const producer = await client.createProducer({ topic, name: 'p' });
    const error = await caught(producer.send(bytes('a'), { signal: AbortSignal.abort(new Error('no')) }));
    expect(error).toMatchObject({ code: 'ABORTED', outcome: 'refused', cause: { message: 'no' } });
    expect(broker.calls).not.toContain('SendMessage');
  });

  test('while the broker is silent: OUTCOME_UNKNOWN', async () => {
    const producer = await client.createProducer({ topic, name: 'p' });
    broker.onSend = () => ({ silent: true, store: true });
    const abort = new AbortController();
    const sending = caught(producer.send(bytes('a'), { signal: abort.signal }));
    await until(() => broker.calls.includes('SendMessage'));
    abort.abort();
    expect(await sending).toMatchObject({ code: 'OUTCOME_UNKNOWN', context: { lastCode: 'ABORTED' } });
  });

  test('while it waits for its turn: ABORTED at once, and the turn is left to the next', async () => {
    const producer = await client.createProducer({ topic, name: 'p', maxInFlight: 1 });
    broker.onSend = () => ({ silent: true, store: false });
    const [over, abort] = [new AbortController(), new AbortController()];
    const first = caught(producer.send(bytes('a'), { signal: over.signal }));
    const waiting = caught(producer.send(bytes('b'), { signal: abort.signal }));
    const next = producer.send(bytes('c'));
    await until(() => broker.calls.includes('SendMessage'));
    abort.abort(new Error('enough'));
    expect(await waiting).toMatchObject({
      code: 'ABORTED',
      outcome: 'refused',
      cause: { message: 'enough' },
      context: { topic, requestId: 2n, attempts: 0 },
    });
    broker.onSend = () => undefined;
    over.abort();
    expect(await first).toMatchObject({ code: 'OUTCOME_UNKNOWN' });
    await next;
    expect(stored()).toEqual(['c']);
  });

  test('while it waits for a broker that is away: ABORTED, refused', async () => {
    const retry = { baseDelayMs: 600_000, maxDelayMs: 600_000 };
    const producer = await client.createProducer({ topic, name: 'p', retry });
    broker.onSend = () => ({ answer: status.RESOURCE_EXHAUSTED });
    const abort = new AbortController();
    const sending = caught(producer.send(bytes('a'), { signal: abort.signal }));
    await until(() => events.length > 0);
    abort.abort();
    expect(await sending).toMatchObject({ code: 'ABORTED', outcome: 'refused' });
  });
});

test('CLOSE from a health check: the next send registers anew, after a new lookup', async () => {
  const attentive = connect({ serviceUrl: broker.url, healthCheckIntervalMs: 5, retry: quick });
  let closeId = 1n;
  broker.health = ({ id }) => (id === closeId ? ClientStatus.CLOSE : ClientStatus.OK);
  const producer = await attentive.createProducer({ topic, name: 'p' });
  await until(() => broker.healthChecks.some(({ id }) => id === closeId));
  closeId = 0n;
  await until(() => true);
  await producer.send(bytes('a'));
  await producer.send(bytes('b'));
  expect(stored()).toEqual(['a', 'b']);
  await attentive.close();
});

test('a lookup that sends elsewhere is followed, and a proxy gets the broker in the metadata', async () => {
  const other = await new TestBroker().start();
  broker.lookup = { connectUrl: other.url, brokerUrl: 'http://10.0.0.1:6650', proxy: true };
  const producer = await client.createProducer({ topic, name: 'p' });
  await producer.send(bytes('a'));
  expect(other.topic(topic).log[0]!.msgId!.brokerAddr).toBe('http://10.0.0.1:6650');
  expect(other.metadata[0]).toMatchObject({ 'x-danube-broker-url': 'http://10.0.0.1:6650' });
  expect(broker.calls).not.toContain('CreateProducer');
  await producer.close();
  other.stop();
});

test('a lookup that fails leaves the service URL: a topic that does not exist yet has no broker', async () => {
  broker.lookup = { failed: true };
  await (await client.createProducer({ topic, name: 'p' })).send(bytes('a'));
  broker.onCall = (name) => (name === 'TopicLookup' ? status.NOT_FOUND : undefined);
  await (await client.createProducer({ topic, name: 'q' })).send(bytes('b'));
  expect(stored()).toEqual(['a', 'b']);
});

test('partitions: by routing key with the hash all clients share, otherwise in turn', async () => {
  const producer = await client.createProducer({ topic, name: 'p', partitions: 3 });
  const place = async (routingKey?: string) =>
    (await producer.send(bytes('x'), routingKey === undefined ? {} : { routingKey })).topic.slice(-1);
  expect(await Promise.all([place(), place(), place(), place()])).toEqual(['0', '1', '2', '0']);
  // FNV-1a 64 of the key, modulo 3, computed by the Python client 0.5.0.
  expect(await Promise.all(['', 'a', 'user-1', 'ключ'].map(place))).toEqual(['2', '1', '2', '0']);
  const names = [...broker.topics].map(([name, { log }]) => [name, log[0]!.producerName]);
  expect(names).toEqual([
    [`${topic}-part-0`, 'p-0'],
    [`${topic}-part-1`, 'p-1'],
    [`${topic}-part-2`, 'p-2'],
  ]);
});

describe('refuses before anything travels', () => {
  test('malformed topic names', async () => {
    for (const bad of [
      'orders',
      '/orders',
      '/a/b/c',
      '/a/',
      '//b',
      '/a b/c',
      '/a/b.c',
      '/ä/b',
      '/a/b\n',
      '',
    ]) {
      const error = await caught(client.createProducer({ topic: bad, name: 'p' }));
      expect(error.code, JSON.stringify(bad)).toBe('INVALID_ARGUMENT');
      expect(error.message).toContain('/namespace_name/topic_name');
    }
    expect(broker.calls).toEqual([]);
  });

  test('payloads over the limit, text that is not Unicode, times that are none', async () => {
    const small = connect({ serviceUrl: broker.url, maxPayloadBytes: 10 });
    const producer = await small.createProducer({ topic, name: 'p' });
    await producer.send(new Uint8Array(10));
    const bad: [Uint8Array, object][] = [
      [new Uint8Array(11), {}],
      [bytes('a'), { attributes: { k: '\ud800' } }],
      [bytes('a'), { attributes: { '\udfff': 'v' } }],
      [bytes('a'), { routingKey: 'x\ud800' }],
      [bytes('a'), { publishTimeMs: -1 }],
      [bytes('a'), { publishTimeMs: 1.5 }],
    ];
    for (const [payload, options] of bad) {
      expect(await caught(producer.send(payload, options))).toMatchObject({
        code: 'INVALID_ARGUMENT',
        outcome: 'refused',
      });
    }
    expect(stored()).toHaveLength(1);
    await small.close();
  });

  test('the largest payload passes, both ways round the 4 MiB that gRPC allows by default', async () => {
    const producer = await client.createProducer({ topic, name: 'p' });
    await producer.send(new Uint8Array(10 * 1024 * 1024));
    expect(broker.topic(topic).log[0]!.payload).toHaveLength(10 * 1024 * 1024);
  });
});

test('close lets a send that is under way end, retries nothing, and refuses later ones', async () => {
  const producer = await client.createProducer({ topic, name: 'p', retry: { maxRetries: 1_000 } });
  const good = producer.send(bytes('a'));
  await producer.close();
  await good;
  expect(await caught(producer.send(bytes('b')))).toMatchObject({ code: 'CLOSED', outcome: 'refused' });

  const stuck = await client.createProducer({ topic, name: 'q', retry: { maxRetries: 1_000 } });
  broker.onSend = () => ({ answer: status.RESOURCE_EXHAUSTED });
  const sending = caught(stuck.send(bytes('c')));
  await until(() => events.length > 2);
  await client.close();
  expect(await sending).toMatchObject({ code: 'CLOSED', outcome: 'refused' });
  expect(await caught(client.createProducer({ topic, name: 'r' }))).toMatchObject({ code: 'CLOSED' });
});
