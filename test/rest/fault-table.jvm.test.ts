// Each operation under each fault of the network, against Apache's server: what the client says is compared with what
// the server says when it is asked directly. What happened is never called a failure, and what did not never a success.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createUnsyncedFileIO } from '../../packages/iceberg/src/testing.ts';
import { openRestCatalog, type RestCatalog } from '../../packages/iceberg-catalog-rest/src/index.ts';
import {
  type RestFixture,
  startRestFixture,
} from '../../packages/iceberg-catalog-rest/test/support/rest-fixture.ts';
import { openImpatient } from './append-in-transaction.ts';
import { runCell } from './fault-cell.ts';
import { type FaultCase, faultCases } from './faults.ts';
import { moreChanges } from './more-operations.ts';
import { changes, type Operation, type Place, reads } from './operations.ts';

/** Servers that know idempotency keys, and those that do not. */
const servers = [
  ['a server that knows no idempotency keys', {}],
  ['a server that knows idempotency keys', { 'idempotency-key-lifetime': 'PT30M' }],
] as const;

const allChanges: readonly Operation<RestCatalog>[] = [...changes, ...moreChanges];

describe.each(servers)('%s', (_, properties) => {
  let fixture: RestFixture;
  let direct: Place['direct'] & { close(): Promise<void> };
  let uri: string;
  let made = 0;
  beforeAll(async () => {
    fixture = await startRestFixture({ properties });
    uri = fixture.catalog();
    direct = await openRestCatalog({ uri });
    // A virtual machine is slow at first, and time-outs are meant to be the proxy's doing.
    for (const operation of [...allChanges, ...reads])
      await run(operation, { name: 'none', fault: { kind: 'pass' } });
  }, 60_000);
  afterAll(async () => {
    await direct.close();
    await fixture.stop();
  });

  async function run(operation: Operation<RestCatalog>, faultCase: FaultCase) {
    made += 1;
    const place = { uri, namespace: `cell${made}`, io: createUnsyncedFileIO(), direct };
    const report = await runCell(operation, faultCase, { place, openClient: openImpatient });
    const { outcome } = report;
    const told = outcome.kind === 'failed' ? outcome.error : outcome.kind;
    expect(report.misreports, `told ${told}`).toEqual([]);
    return { told: outcome.kind === 'failed' ? outcome.code : outcome.kind, fired: report.fired };
  }

  const isWithKeys = 'idempotency-key-lifetime' in properties;
  for (const operation of isWithKeys ? allChanges : [...allChanges, ...reads]) {
    describe(operation.name, () => {
      for (const faultCase of faultCases.filter((each) => applies(each, operation))) {
        test.concurrent(`${faultCase.name}: never misreported`, async () => {
          const { told, fired } = await run(operation, faultCase);
          expect(fired, 'the fault took effect').toBeGreaterThan(0);
          const wanted = wantedOf(operation, faultCase, isWithKeys);
          if (wanted !== undefined) expect(told).toBe(wanted);
        });
      }
    });
  }
});

/** A body that is not there cannot be cut. */
function applies({ fault }: FaultCase, { method, name }: Pick<Operation, 'method' | 'name'>): boolean {
  if (fault.kind === 'cut-request') return method === 'POST';
  const hasReply = !['drop', 'rename', 'drop a namespace', 'commit of two tables'].includes(name);
  return hasReply || (fault.kind !== 'cut-response' && fault.kind !== 'slow-response');
}

/** What the client must find out, since "unknown" would be true of everything; undefined where it may say just that. */
function wantedOf(
  { name }: Pick<Operation, 'name'>,
  { name: fault, told, always }: FaultCase,
  isWithKeys: boolean,
): string | undefined {
  if (told !== undefined) return typeof told === 'string' ? told : told(name);
  if (always) return undefined;
  // Reading again is harmless, and so is sending again with a key.
  if (isWithKeys || name === 'load' || name === 'list') return 'done';
  // A look tells what became of these: the table, known by its uuid, is gone or has the other name.
  return (name === 'drop' || name === 'rename') && fault !== '500' ? 'done' : undefined;
}
