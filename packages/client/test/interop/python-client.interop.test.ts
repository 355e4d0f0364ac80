import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, expect, test } from 'vitest';

// Goal: what docs/clients.md says of the official Python client stays true, observed from outside.
// Method: the real client (DANUBE_PYTHON has PyPI danube-client) against the test broker as a process, which answers
// as told. A new version that behaves otherwise fails here first.

type Report = Record<string, Record<string, unknown>>;
let report: Report;

beforeAll(async () => {
  const python = process.env.DANUBE_PYTHON;
  if (python === undefined) throw new Error('DANUBE_PYTHON must name a Python that has danube-client');
  const file = (name: string) => fileURLToPath(new URL(name, import.meta.url));
  const { stdout } = await promisify(execFile)(
    python,
    [file('./python_client_probe.py'), process.execPath, file('./serve.ts')],
    { maxBuffer: 2 ** 26, timeout: 280_000 },
  );
  report = JSON.parse(stdout) as Report;
}, 300_000);

const retried = ['DEADLINE_EXCEEDED', 'RESOURCE_EXHAUSTED', 'UNAVAILABLE'];

for (const [what, calls] of [
  ['send', 'sends'],
  ['createProducer', 'calls'],
  ['subscribe', 'calls'],
] as const) {
  test(`${what}: three codes are tried again, every other reaches the application after one call`, () => {
    expect(Object.keys(report[what]!)).toHaveLength(16);
    for (const [name, value] of Object.entries(report[what]!)) {
      const { result, [calls]: made } = value as Record<string, unknown>;
      expect(made, name).toBe(retried.includes(name) ? 3 : 1);
      expect(result, name).toMatch(retried.includes(name) ? /^succeeds$/ : /^raises /);
    }
  });
}

test('an acknowledgement is not tried again', () => {
  expect(report.ack).toEqual({ UNAVAILABLE: { result: 'raises UNAVAILABLE', calls: 1 } });
});

test('a send refused with RESOURCE_EXHAUSTED is tried for ever', () => {
  expect(report.sendRefusedForEver).toEqual({
    after12s: 'still trying',
    moreThan6Sends: true,
    registersAgain: true,
  });
});

test('a producer takes no notice of CLOSE and of a restart, and registers again only after UNAVAILABLE', () => {
  expect(report.producerAfterClose).toEqual({ registersAgain: false, healthChecksGoOn: false });
  expect(report.producerOverRestart).toEqual({ firstSendAfterRestart: 'raises NOT_FOUND' });
  expect(report.producerOverRestartUnavailable).toEqual({ firstSendAfterRestart: 'succeeds' });
});

test('a consumer reopens a stream that ends, under the same id', () => {
  const reopened = { receivesAgain: true, subscribesAgain: false };
  expect(report.consumerStreamEndsOk).toEqual(reopened);
  expect(report.consumerStreamEndsUnavailable).toEqual(reopened);
});

test('a consumer heeds CLOSE when its stream ends or the next message comes', () => {
  expect(report.consumerCloseThenStreamEnds).toMatchObject({ subscribesAgainBeforeAMessage: true });
  expect(report.consumerCloseOnly).toEqual({
    subscribesAgainBeforeAMessage: false,
    subscribesAgain: true,
    messageArrives: true,
  });
});

test('a consumer outlives a restart only if its id is kept, or a health check in time says CLOSE', () => {
  expect(report.consumerOverRestart).toMatchObject({ receivesAgain: false, streamsOpened: 'more than 100' });
  expect(report.consumerOverRestartCloseForUnknownIds).toMatchObject({ receivesAgain: true });
  expect(report.consumerOverLongRestartCloseForUnknownIds).toMatchObject({ receivesAgain: false });
  expect(report.consumerOverLongRestartIdsKept).toMatchObject({
    receivesAgain: true,
    subscribesAgain: false,
  });
});

test('messages up to 10 MiB pass both ways', () => {
  const passed = { send: 'succeeds', receive: 'succeeds' };
  expect(report.largeMessages).toEqual({ '3 MiB': passed, '10 MiB': passed });
});
