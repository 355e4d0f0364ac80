import { describe, expect, test } from 'vitest';
import {
  dataFile,
  liveEntries,
  liveFiles,
  newTestTable,
  noWait,
  type TestTable,
} from '../../test/support/transaction-table.ts';
import { type CommitFault, createFaultCatalog, type FaultCatalog } from '../conformance/fault-catalog.ts';
import {
  type CommitEvent,
  type CommitTransactionOptions,
  type CommittedTransaction,
  commitTransaction,
  currentSnapshot,
  type DataFile,
  deleteDataFiles,
  expireSnapshots,
  type FileIO,
  fastAppend,
  IcebergError,
  loadTableMetadata,
  mergeAppend,
  prepareTransaction,
  readSnapshotManifests,
  rewriteManifests,
  rollbackToSnapshot,
  type TableOperation,
  updatePartitionSpec,
  updateProperties,
  updateSchema,
} from '../index.ts';

const append = (name: string): TableOperation => fastAppend({ dataFiles: [dataFile(name)] });
const retry = { numRetries: 4, minWaitMs: 0 };

/** A commit through a network with these faults, one for each sending; the last one stays. Others do `before` first. */
interface Run {
  readonly table: TestTable;
  readonly catalog: FaultCatalog;
  readonly events: CommitEvent[];
  commit(
    operations: TableOperation | TableOperation[],
    options?: CommitTransactionOptions,
  ): Promise<CommittedTransaction>;
}

type Step = CommitFault | ((run: Run) => Promise<CommitFault>);

async function runWith(...steps: Step[]): Promise<Run> {
  const table = await newTestTable();
  await table.commit(append('first'));
  const events: CommitEvent[] = [];
  const catalog = createFaultCatalog(table.catalog, {
    onCommit: async (call) => {
      const step = steps[Math.min(call, steps.length) - 1] ?? 'deliver';
      return typeof step === 'function' ? step(run) : step;
    },
  });
  const run: Run = {
    table,
    catalog,
    events,
    commit: (operations, options) =>
      commitTransaction({ catalog, identifier: table.identifier, io: table.io }, [operations].flat(), {
        wait: noWait,
        retry,
        statusCheck: { numRetries: 3, minWaitMs: 0 },
        onEvent: (event) => events.push(event),
        ...options,
      }),
  };
  return run;
}

const others =
  (fault: CommitFault, ...operations: TableOperation[]): Step =>
  async ({ table }) => {
    for (const operation of operations) await table.commit(operation);
    return fault;
  };

/** The first load of the table from now on happens after this. */
function beforeNextLoad(table: TestTable, action: (load: TestTable['load']) => Promise<void>): void {
  const { catalog } = table;
  const load = catalog.loadTable.bind(catalog);
  catalog.loadTable = async (identifier) => {
    catalog.loadTable = load;
    await action(() => load(identifier));
    return load(identifier);
  };
}

/** Manifests and lists; not metadata files, which are the catalog's. */
function writtenFiles({ io }: TestTable): string[] {
  return [...io.files.keys()].filter((location) => location.endsWith('.avro')).sort();
}

/** What the table's snapshots need. */
async function neededFiles({ io, load }: TestTable): Promise<string[]> {
  const needed = new Set<string>();
  for (const snapshot of (await load()).metadata.snapshots) {
    needed.add(snapshot.manifestList);
    for (const { manifestPath } of await readSnapshotManifests(io, snapshot)) needed.add(manifestPath);
  }
  return [...needed].sort();
}

async function codeOf(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return 'committed';
  } catch (error) {
    return IcebergError.is(error) ? error.code : String((error as Error).name);
  }
}

describe('a lost reply', () => {
  test('after the commit: it is found in the table, once', async () => {
    const { table, commit, catalog, events } = await runWith('lose-reply', 'deliver');
    const { attempts, snapshots } = await commit(append('ours'));
    expect([attempts, catalog.sent.length]).toEqual([1, 1]);
    expect(events.map(({ kind }) => kind)).toEqual(['unknown']);
    expect(currentSnapshot((await table.load()).metadata)).toEqual(snapshots[0]);
    expect(await liveFiles(table)).toEqual(['first', 'ours']);
  });

  test('before the commit: the very same request is sent again', async () => {
    const { table, commit, catalog } = await runWith('lose-request', 'lose-request', 'deliver');
    expect((await commit(append('ours'))).attempts).toBe(1);
    const [one, two, three] = catalog.sent;
    expect(two).toEqual(one);
    expect(three).toEqual(one);
    expect(three!.options!.idempotencyKey).toMatch(/^[0-9a-f-]{36}$/);
    expect(await liveFiles(table)).toEqual(['first', 'ours']);
  });

  test('of every sending, until the retries are used up: unknown, and nothing is deleted', async () => {
    for (const fault of ['lose-request', 'delay'] as const) {
      const { table, commit, catalog } = await runWith(fault);
      const error = await commit(append('ours')).catch((cause) => cause);
      expect(error).toMatchObject({ code: 'COMMIT_STATE_UNKNOWN' });
      for (const location of error.context.writtenFiles) expect(table.io.files.has(location)).toBe(true);
      // What was delayed may still land, whole; but once.
      const landed = await catalog.landDelayed();
      expect(landed.filter(({ status }) => status === 'fulfilled')).toHaveLength(fault === 'delay' ? 1 : 0);
      expect(await liveFiles(table)).toEqual(fault === 'delay' ? ['first', 'ours'] : ['first']);
    }
  });

  test('then others commit on top: it is found among the ancestors', async () => {
    const { table, commit } = await runWith('lose-reply');
    const base = await table.load();
    beforeNextLoad(table, async () => {
      await table.commit(append('theirs'));
    });
    expect((await commit(append('ours'), { base })).attempts).toBe(1);
    expect(await liveFiles(table)).toEqual(['first', 'ours', 'theirs']);
  });

  test('and others were first: the operations are planned anew, under the same snapshot id', async () => {
    const { table, commit, catalog } = await runWith(others('lose-request', append('theirs')), 'deliver');
    const { attempts, snapshots } = await commit(append('ours'));
    expect([attempts, catalog.sent.length]).toEqual([2, 2]);
    // No two attempts can both land in a table, whatever its catalog checks.
    const ids = catalog.sent.map(({ request: { updates } }) =>
      updates.flatMap((update) => (update.action === 'add-snapshot' ? [update.snapshot.snapshotId] : [])),
    );
    expect(ids).toEqual([[snapshots[0]!.snapshotId], [snapshots[0]!.snapshotId]]);
    expect(await liveFiles(table)).toEqual(['first', 'ours', 'theirs']);
    // The first list is not needed, but its request might still have been on its way when it was looked for.
    expect(writtenFiles(table).length).toBe((await neededFiles(table)).length + 1);
  });

  test('of an old attempt does not pass for the outcome of the present one', async () => {
    const { commit } = await runWith(
      others('lose-request', append('theirs')),
      others('deliver', append('more')),
      'deliver',
    );
    expect((await commit(append('ours'))).attempts).toBe(3);
  });

  test('whose snapshot others expired since: unknown, not sent again', async () => {
    const { table, commit, catalog } = await runWith('lose-reply', 'deliver');
    const base = await table.load();
    beforeNextLoad(table, async () => {
      await table.commit(append('theirs'));
      await table.commit(expireSnapshots({ olderThanMs: 0 }));
    });
    expect(await codeOf(commit(append('ours'), { base }))).toBe('COMMIT_STATE_UNKNOWN');
    expect(catalog.sent).toHaveLength(1);
    expect(await liveFiles(table)).toEqual(['first', 'ours', 'theirs']);
  });

  test.each([
    ['gone', false],
    ['another one', true],
  ])('and the table is %s: unknown, and nothing is deleted', async (_, recreate) => {
    const { table, commit } = await runWith('lose-reply');
    const base = await table.load();
    beforeNextLoad(table, async () => {
      await table.catalog.dropTable(table.identifier);
      if (recreate) await table.catalog.createTable(table.identifier, { schema: { fields: [] } });
    });
    const before = writtenFiles(table);
    expect(await codeOf(commit(append('ours'), { base }))).toBe('COMMIT_STATE_UNKNOWN');
    expect(writtenFiles(table)).toHaveLength(before.length + 2);
  });
});

describe('a request that lands late', () => {
  test('after it was sent again: it lands once', async () => {
    const { table, commit, catalog } = await runWith('delay', 'deliver');
    await commit(append('ours'));
    const after = await table.load();
    expect((await catalog.landDelayed())[0]).toMatchObject({ reason: { code: 'COMMIT_CONFLICT' } });
    expect((await table.load()).metadataLocation).toBe(after.metadataLocation);
  });

  test.each([
    ['a pinned base', { pinnedRefs: [] }, 'deliver'],
    ['a refusal', {}, { throws: new IcebergError('ACCESS_DENIED', 'expired') }],
    ['no retries', { retry: { numRetries: 0 } }, 'deliver'],
  ] as const)(
    'after others changed a property only, and %s ended it: unknown, since it can',
    async (_, options, next) => {
      const { table, commit, catalog } = await runWith(
        others('delay', updateProperties({ set: { theirs: '1' } })),
        next,
      );
      const base = await table.load();
      const error = await commit(append('ours'), { base, ...options }).catch((cause) => cause);
      expect(error).toMatchObject({ code: 'COMMIT_STATE_UNKNOWN' });
      expect((await catalog.landDelayed())[0]).toMatchObject({ status: 'fulfilled' });
      expect(await liveFiles(table)).toEqual(['first', 'ours']);
    },
  );

  test('after the same request was refused: unknown, since it can', async () => {
    const { table, commit, catalog } = await runWith('delay', {
      throws: new IcebergError('ACCESS_DENIED', 'the token has expired'),
    });
    expect(await codeOf(commit(append('ours')))).toBe('COMMIT_STATE_UNKNOWN');
    await catalog.landDelayed();
    expect(await liveFiles(table)).toEqual(['first', 'ours']);
  });

  test('after a newer attempt of it: refused', async () => {
    const { table, commit, catalog } = await runWith(others('delay', append('theirs')), 'deliver');
    expect((await commit(append('ours'))).attempts).toBe(2);
    expect((await catalog.landDelayed())[0]).toMatchObject({ reason: { code: 'COMMIT_CONFLICT' } });
    expect(await liveFiles(table)).toEqual(['first', 'ours', 'theirs']);
  });

  test('when main is back where it was decided (ABA): refused all the same', async () => {
    const { table, commit, catalog } = await runWith(others('delay', append('theirs')), 'deliver');
    const first = currentSnapshot((await table.load()).metadata)!.snapshotId;
    await commit(append('ours'));
    await table.commit(rollbackToSnapshot(first));
    expect((await catalog.landDelayed())[0]).toMatchObject({ reason: { code: 'COMMIT_CONFLICT' } });
    expect(await liveFiles(table)).toEqual(['first']);
  });

  test('when main is back, and no later attempt was made: its sequence number is taken', async () => {
    const { table, commit, catalog } = await runWith(others('delay', append('theirs')), {
      throws: new IcebergError('ACCESS_DENIED', 'no'),
    });
    const first = currentSnapshot((await table.load()).metadata)!.snapshotId;
    expect(await codeOf(commit(append('ours')))).toBe('ACCESS_DENIED');
    await table.commit(rollbackToSnapshot(first));
    expect((await catalog.landDelayed())[0]).toMatchObject({ reason: { code: 'COMMIT_CONFLICT' } });
    expect(await liveFiles(table)).toEqual(['first']);
  });
});

describe('a conflict', () => {
  test('and another, until the retries are used up: definite, and everything written is deleted, data files never', async () => {
    const { table, commit, events } = await runWith(async (run) => {
      await run.table.commit(append(`theirs-${run.catalog.sent.length}`));
      return 'deliver';
    });
    const ours = dataFile('ours');
    await table.io.writeFile(ours.filePath, Uint8Array.of(1));
    expect(await codeOf(commit(mergeAppend({ dataFiles: [ours] })))).toBe('COMMIT_CONFLICT');
    expect(events.map(({ kind, attempt }) => `${kind} ${attempt}`)).toEqual(
      [1, 2, 3, 4, 5].map((n) => `conflict ${n}`),
    );
    expect(writtenFiles(table)).toEqual(await neededFiles(table));
    expect(table.io.files.has(ours.filePath)).toBe(true);
    expect(await liveFiles(table)).not.toContain('ours');
  });

  test('then success: exactly the files of the attempts that failed are deleted', async () => {
    for (const operation of [
      append('ours'),
      mergeAppend({ dataFiles: [dataFile('ours')] }),
      rewriteManifests(),
    ]) {
      const { table, commit } = await runWith(
        others(
          'deliver',
          updateProperties({ set: { 'commit.manifest.min-count-to-merge': '2' } }),
          append('one'),
        ),
        others('deliver', append('two')),
        'deliver',
      );
      const base = await table.load();
      const { attempts } = await commit(operation, { base });
      expect(attempts).toBe(3);
      expect(writtenFiles(table)).toEqual(await neededFiles(table));
    }
  });

  test('then success, but a reply was lost on the way: nothing is deleted', async () => {
    const { table, commit } = await runWith(
      others('lose-request', append('one')),
      others('deliver', append('two')),
      'deliver',
    );
    expect((await commit(append('ours'))).attempts).toBe(3);
    expect(writtenFiles(table).length).toBe((await neededFiles(table)).length + 2);
  });

  test('that is none, since the commit had landed, is found out', async () => {
    const { table, commit } = await runWith({
      repliesWith: new IcebergError('COMMIT_CONFLICT', 'sent twice on the way'),
    });
    expect((await commit(append('ours'))).attempts).toBe(1);
    expect(await liveFiles(table)).toEqual(['first', 'ours']);
    expect(writtenFiles(table)).toEqual(await neededFiles(table));
  });

  test('that is none is found out where there is no further attempt, too, before anything is deleted', async () => {
    for (const options of [{ pinnedRefs: [] }, { retry: { numRetries: 0 } }]) {
      for (const code of ['COMMIT_CONFLICT', 'ALREADY_EXISTS', 'INVALID_ARGUMENT'] as const) {
        const { table, commit } = await runWith({ repliesWith: new IcebergError(code, 'sent twice') });
        expect((await commit(append('ours'), options)).attempts).toBe(1);
        expect(await liveFiles(table)).toEqual(['first', 'ours']);
      }
    }
  });

  test('after which the table cannot be loaded: unknown, and nothing is deleted', async () => {
    const { table, commit, catalog } = await runWith(others('deliver', append('theirs')));
    const base = await table.load();
    catalog.loadTable = async () => {
      throw new IcebergError('CATALOG_UNAVAILABLE', 'too busy');
    };
    for (const [options, count] of [
      [{ pinnedRefs: [] }, 2],
      [{}, 4],
    ] as const) {
      expect(await codeOf(commit(append('ours'), { base, ...options }))).toBe('COMMIT_STATE_UNKNOWN');
      expect(writtenFiles(table)).toHaveLength((await neededFiles(table)).length + count);
    }
  });

  test('more often than a retry setting of undefined or NaN allows: those of the table count', async () => {
    for (const numRetries of [undefined, Number.NaN, -1]) {
      const { commit, catalog } = await runWith({ throws: new IcebergError('COMMIT_CONFLICT', 'no') });
      const settings = { numRetries, minWaitMs: 0 } as { numRetries: number };
      expect(await codeOf(commit(append('ours'), { retry: settings }))).toBe('COMMIT_CONFLICT');
      expect(catalog.sent).toHaveLength(5);
    }
  });

  test('on a pinned base ends the transaction', async () => {
    for (const pinnedRefs of [[], ['tag']]) {
      const { table, commit, catalog } = await runWith(others('deliver', append('theirs')), 'deliver');
      expect(await codeOf(commit(append('ours'), { pinnedRefs }))).toBe('COMMIT_CONFLICT');
      expect(catalog.sent).toHaveLength(1);
      expect(writtenFiles(table)).toEqual(await neededFiles(table));
    }
  });

  test('is validated anew each time: what is gone at the second attempt is not replaced', async () => {
    const { table, commit } = await runWith(
      others('deliver', append('theirs')),
      others('deliver', deleteDataFiles({ files: [dataFile('first')] })),
    );
    expect(await codeOf(commit(deleteDataFiles({ files: [dataFile('first')] })))).toBe('COMMIT_CONFLICT');
    expect(await liveFiles(table)).toEqual(['theirs']);
    expect(writtenFiles(table)).toEqual(await neededFiles(table));
  });
});

describe('an answer that is none', () => {
  const unavailable = { throws: new IcebergError('CATALOG_UNAVAILABLE', 'too busy') };

  test('CATALOG_UNAVAILABLE: the same request again, until the retries are used up', async () => {
    const one = await runWith(unavailable, unavailable, 'deliver');
    expect((await one.commit(append('ours'))).attempts).toBe(1);
    expect(one.catalog.sent[2]).toEqual(one.catalog.sent[0]);
    const never = await runWith(unavailable);
    expect(await codeOf(never.commit(append('ours')))).toBe('CATALOG_UNAVAILABLE');
    expect(never.catalog.sent).toHaveLength(5);
    expect(writtenFiles(never.table)).toEqual(await neededFiles(never.table));
  });

  test('a refusal is final, and everything written is deleted', async () => {
    for (const code of [
      'ACCESS_DENIED',
      'INVALID_ARGUMENT',
      'TABLE_NOT_FOUND',
      'UNSUPPORTED_FEATURE',
    ] as const) {
      const { table, commit, catalog } = await runWith({ throws: new IcebergError(code, 'no') });
      expect(await codeOf(commit(append('ours')))).toBe(code);
      expect(catalog.sent).toHaveLength(1);
      expect(writtenFiles(table)).toEqual(await neededFiles(table));
    }
  });

  test('a refusal after a lost reply is none: the lost one may have landed and caused it', async () => {
    const { table, commit } = await runWith('delay', async ({ catalog }) => {
      await catalog.landDelayed();
      return { throws: new IcebergError('ACCESS_DENIED', 'no') };
    });
    expect((await commit(append('ours'))).attempts).toBe(1);
    expect(await liveFiles(table)).toEqual(['first', 'ours']);
  });

  test.each<[string, unknown]>([
    ['an Error', new Error('socket hang up')],
    ['a TypeError', new TypeError('fetch failed')],
    ['a string', 'oops'],
    ['undefined', undefined],
    ['IO_ERROR', new IcebergError('IO_ERROR', 'disk')],
    ['COMMIT_STATE_UNKNOWN', new IcebergError('COMMIT_STATE_UNKNOWN', '502')],
  ])('%s says nothing: the table is asked', async (_, thrown) => {
    const landed = await runWith({ repliesWith: thrown });
    expect((await landed.commit(append('ours'))).attempts).toBe(1);
    expect(landed.catalog.sent).toHaveLength(1);
    const lost = await runWith({ throws: thrown }, 'deliver');
    expect((await lost.commit(append('ours'))).attempts).toBe(1);
    expect(lost.catalog.sent).toHaveLength(2);
    for (const { table } of [landed, lost]) expect(await liveFiles(table)).toEqual(['first', 'ours']);
  });
});

/** Apache's REST server reads the table again after a commit, and answers 404 to one that landed if it is gone by then. */
describe('an answer that the table is not there', () => {
  const elsewhere = { namespace: ['default'], name: 'elsewhere' };
  const codes = ['TABLE_NOT_FOUND', 'NAMESPACE_NOT_FOUND'] as const;
  const operations = { append: append('ours'), property: updateProperties({ set: { owner: 'ours' } }) };
  const others: Record<string, (table: TestTable) => Promise<unknown>> = {
    renamed: ({ catalog, identifier }) => catalog.renameTable(identifier, elsewhere),
    dropped: ({ catalog, identifier }) => catalog.dropTable(identifier),
    'made anew': async ({ catalog, identifier }) => {
      await catalog.renameTable(identifier, elsewhere);
      await catalog.createTable(identifier, { schema: { fields: [] } });
    },
  };

  test.each(Object.keys(others))(
    'after the commit, and it is %s: unknown, and nothing is deleted',
    async (how) => {
      for (const code of codes) {
        for (const operation of Object.values(operations)) {
          const { table, commit, events } = await runWith({ repliesWith: new IcebergError(code, 'gone') });
          const landed = await table.load();
          beforeNextLoad(table, async (load) => {
            Object.assign(landed, await load());
            await others[how]!(table);
          });
          const base = { ...landed };
          const error = await commit(operation, { base }).catch((cause) => cause);
          expect(error).toMatchObject({ code: 'COMMIT_STATE_UNKNOWN', cause: { code: 'TABLE_NOT_FOUND' } });
          expect(events.map(({ kind }) => kind)).toEqual(['unknown']);
          // It did happen: to the table that has another name now, or none.
          expect(landed.metadataLocation).not.toBe(base.metadataLocation);
          expect([...(await liveEntries(table, landed)).keys()].sort()).toEqual(
            operation === operations.append ? ['first', 'ours'] : ['first'],
          );
        }
      }
    },
  );

  test('before the commit, because it is gone: unknown all the same, since the answer is the same', async () => {
    for (const operation of Object.values(operations)) {
      const { table, commit, catalog } = await runWith();
      const base = await table.load();
      await table.catalog.dropTable(table.identifier);
      expect(await codeOf(commit(operation, { base }))).toBe('COMMIT_STATE_UNKNOWN');
      expect(catalog.sent).toHaveLength(1);
    }
  });

  test('after the commit, but it is there: committed', async () => {
    for (const code of codes) {
      const { table, commit } = await runWith({ repliesWith: new IcebergError(code, 'renamed, and back') });
      expect((await commit(append('ours'))).attempts).toBe(1);
      expect(await liveFiles(table)).toEqual(['first', 'ours']);
      expect(writtenFiles(table)).toEqual(await neededFiles(table));
    }
  });

  test('instead of a commit, and others changed it: planned anew', async () => {
    const { table, commit } = await runWith(async (run) => {
      await run.table.commit(append('theirs'));
      return { throws: new IcebergError('TABLE_NOT_FOUND', 'renamed, and back') };
    }, 'deliver');
    expect((await commit(append('ours'))).attempts).toBe(2);
    expect(await liveFiles(table)).toEqual(['first', 'ours', 'theirs']);
    expect(writtenFiles(table)).toEqual(await neededFiles(table));
  });

  test('after which the catalog does not answer: unknown, and nothing is deleted', async () => {
    const { table, commit, catalog } = await runWith({
      repliesWith: new IcebergError('TABLE_NOT_FOUND', 'gone'),
    });
    const base = await table.load();
    catalog.loadTable = async () => {
      throw new IcebergError('CATALOG_UNAVAILABLE', 'too busy');
    };
    expect(await codeOf(commit(append('ours'), { base }))).toBe('COMMIT_STATE_UNKNOWN');
    expect(await liveFiles(table)).toEqual(['first', 'ours']);
  });
});

describe('a transaction without snapshot', () => {
  test('whose reply was lost is found by its effect, also when others changed the same since', async () => {
    const operations = (): TableOperation[] => [
      updateProperties({ set: { owner: 'ours' } }),
      updateSchema((schema) => schema.addColumn('ours', { type: 'string' })),
    ];
    const { table, commit, catalog } = await runWith('lose-reply');
    const base = await table.load();
    beforeNextLoad(table, async () => {
      await table.commit(updateProperties({ set: { owner: 'theirs' } }));
      await table.commit(updateSchema((schema) => schema.dropColumn('ours')));
    });
    const { attempts } = await commit(operations(), { base });
    expect([attempts, catalog.sent.length]).toEqual([1, 1]);
    expect((await table.load()).metadata.properties.owner).toBe('theirs');
  });

  test('a rollback whose reply was lost is not done again: what others appended to it stays', async () => {
    const { table, commit, catalog } = await runWith('lose-reply');
    const first = currentSnapshot((await table.load()).metadata)!.snapshotId;
    await table.commit(append('wrong'));
    const base = await table.load();
    beforeNextLoad(table, async () => {
      await table.commit(append('theirs'));
    });
    await commit(rollbackToSnapshot(first), { base });
    expect(catalog.sent).toHaveLength(1);
    expect(await liveFiles(table)).toEqual(['first', 'theirs']);
  });

  test('which others came before is planned anew', async () => {
    const { table, commit } = await runWith(
      others('lose-request', updateProperties({ set: { owner: 'theirs' } })),
      'deliver',
    );
    expect((await commit(updateProperties({ set: { owner: 'ours' } }))).attempts).toBe(2);
    expect((await table.load()).metadata.properties.owner).toBe('ours');
  });

  test('whose trace was deleted is unknown', async () => {
    const { table, commit } = await runWith('lose-reply');
    const base = await table.load();
    beforeNextLoad(table, async (load) => {
      const { metadataLocation } = await load();
      await table.commit(updateProperties({ set: { owner: 'theirs' } }));
      await table.io.deleteFile(metadataLocation);
    });
    expect(await codeOf(commit(updateProperties({ set: { owner: 'ours' } }), { base }))).toBe(
      'COMMIT_STATE_UNKNOWN',
    );
  });

  test('and nothing to do is committed without asking the catalog', async () => {
    const { commit, catalog } = await runWith();
    await commit([]);
    expect(catalog.sent).toEqual([]);
  });
});

test('several snapshots of one transaction land together or not at all, whatever is lost', async () => {
  for (const fault of ['deliver', 'lose-reply', 'lose-request'] as const) {
    const { table, commit } = await runWith(others(fault, append('theirs')), fault, 'deliver');
    const { snapshots } = await commit([
      append('one'),
      updateProperties({ set: { mark: 'x' } }),
      append('two'),
    ]);
    const { metadata } = await table.load();
    expect(snapshots.map(({ sequenceNumber }) => sequenceNumber)).toEqual([3n, 4n]);
    expect(metadata.snapshots.slice(-2)).toEqual(snapshots);
    expect(await liveFiles(table)).toEqual(['first', 'one', 'theirs', 'two']);
  }
});

test('a prepared commit outlives a crash: sent by the next process it lands once, whether or not it had landed', async () => {
  for (const hadLanded of [false, true]) {
    const { table } = await runWith();
    const base = await table.load();
    const prepared = await prepareTransaction(base, [append('ours')], { io: table.io });
    if (hadLanded) await table.catalog.commitTable(table.identifier, prepared.request);
    const again = await codeOf(table.catalog.commitTable(table.identifier, prepared.request));
    expect(again).toBe(hadLanded ? 'COMMIT_CONFLICT' : 'committed');
    expect(await liveFiles(table)).toEqual(['first', 'ours']);
  }
});

describe('schemas and specs that others removed meanwhile', () => {
  const change = async ({ commit }: TestTable): Promise<void> => {
    await commit(updatePartitionSpec((spec) => spec.removeField('category')));
    await commit(updateSchema((schema) => schema.addColumn('more', { type: 'int' })));
  };
  const clean = expireSnapshots({ cleanExpiredMetadata: true });

  test('a schema: the append is planned anew', async () => {
    const table = await newTestTable();
    const base = await table.load();
    await table.commit([updateSchema((schema) => schema.addColumn('more', { type: 'int' }))]);
    await table.commit(clean);
    expect((await table.commit(append('ours'), { base })).attempts).toBe(2);
    expect(await liveFiles(table)).toEqual(['ours']);
  });

  test('the spec of the files, before the commit or between two attempts: a conflict, and the table is readable', async () => {
    for (const early of [true, false]) {
      const table = await newTestTable();
      const base = await table.load();
      await change(table);
      if (early) await table.commit(clean);
      const catalog = createFaultCatalog(table.catalog, {
        onCommit: async (): Promise<CommitFault> => {
          await table.commit(clean);
          return 'deliver';
        },
      });
      const target = { catalog, identifier: table.identifier, io: table.io };
      const commit = commitTransaction(target, [append('ours')], { base, wait: noWait });
      expect(await codeOf(commit)).toBe('COMMIT_CONFLICT');
      expect(writtenFiles(table)).toEqual([]);
      await table.commit(fastAppend({ dataFiles: [{ ...dataFile('theirs'), specId: 1, partition: [] }] }));
      expect(await liveFiles(table)).toEqual(['theirs']);
    }
  });

  test('nothing: files of an old spec are added, and the default spec is what it was', async () => {
    const table = await newTestTable();
    await change(table);
    await table.commit(append('ours'));
    expect((await table.load()).metadata.defaultSpecId).toBe(1);
    expect(await liveFiles(table)).toEqual(['ours']);
  });
});

describe('what the caller brings along', () => {
  test('a clock finer than milliseconds, and files that no manifest could name', async () => {
    const table = await newTestTable();
    const { catalog, identifier, io } = table;
    const now = (): number => Date.now() + 0.25;
    const { snapshots } = await commitTransaction({ catalog, identifier, io, now }, [append('one')]);
    expect(Number.isInteger(snapshots[0]!.timestampMs)).toBe(true);
    await loadTableMetadata(io, (await table.load()).metadataLocation);
    for (const wrong of [{ fileFormat: 'parquet' }, { filePath: '' }]) {
      const file = { ...dataFile('two'), ...wrong } as DataFile;
      expect(() => fastAppend({ dataFiles: [file] })).toThrow(/^INVALID_ARGUMENT/);
    }
  });

  test('a base on which there is nothing to do: what others did since counts, or is a conflict if it is pinned', async () => {
    const table = await newTestTable();
    const base = await table.load();
    await table.commit(append('theirs'));
    const operation = deleteDataFiles({ paths: [dataFile('theirs').filePath], allowMissing: true });
    expect(await codeOf(table.commit(operation, { base, pinnedRefs: [] }))).toBe('COMMIT_CONFLICT');
    expect((await table.commit(operation, { base })).attempts).toBe(2);
    expect(await liveFiles(table)).toEqual([]);
  });

  test('a snapshot id that others take meanwhile: their snapshot does not pass for ours', async () => {
    for (const options of [{}, { pinnedRefs: [] }]) {
      const { table, commit } = await runWith(
        others('deliver', fastAppend({ dataFiles: [dataFile('theirs')], snapshotId: 77n })),
        'deliver',
      );
      const code = await codeOf(
        commit(fastAppend({ dataFiles: [dataFile('ours')], snapshotId: 77n }), options),
      );
      expect(code).not.toBe('committed');
      expect(await liveFiles(table)).toEqual(['first', 'theirs']);
      expect(writtenFiles(table)).toEqual(await neededFiles(table));
    }
  });

  test('a listener that throws, or a store that cannot delete, is not the outcome', async () => {
    const onEvent = (): never => {
      throw new Error('the log is full');
    };
    for (const fault of ['lose-reply', { repliesWith: new IcebergError('COMMIT_CONFLICT', 'no') }] as const) {
      const { table, commit } = await runWith(fault);
      expect(await codeOf(commit(append('ours'), { onEvent }))).toBe('committed');
      expect(writtenFiles(table)).toEqual(await neededFiles(table));
    }
    const { table, commit } = await runWith(others('deliver', append('theirs')), 'deliver');
    table.io.deleteFile = onEvent;
    expect(await codeOf(commit(append('ours')))).toBe('committed');
  });

  test('a catalog that commits and replies with nonsense: nothing is deleted', async () => {
    const { table, commit, catalog } = await runWith('deliver');
    const { commitTable } = table.catalog;
    catalog.commitTable = async (...call) => {
      await commitTable.apply(table.catalog, call);
      return undefined as never;
    };
    expect(await codeOf(commit(append('ours')))).toBe('TypeError');
    expect(writtenFiles(table)).toEqual(await neededFiles(table));
  });

  test('a catalog that spells locations in its own way: what the commit uses stays', async () => {
    const table = await newTestTable();
    const base = await table.load();
    await table.commit(append('theirs'));
    const { commitTable } = table.catalog;
    table.catalog.commitTable = async (...call) => {
      const { metadata, ...reply } = await commitTable.apply(table.catalog, call);
      const snapshots = metadata.snapshots.map((snapshot) => ({
        ...snapshot,
        manifestList: snapshot.manifestList.replace('mem:', 'MEM:'),
      }));
      return { ...reply, metadata: { ...metadata, snapshots } };
    };
    const readFile: FileIO['readFile'] = (location) => table.io.readFile(location.replace('MEM:', 'mem:'));
    const target = { catalog: table.catalog, identifier: table.identifier, io: { ...table.io, readFile } };
    const { attempts } = await commitTransaction(target, [append('ours')], { base, wait: noWait });
    expect(attempts).toBe(2);
    expect(await liveFiles(table)).toEqual(['ours', 'theirs']);
    expect(writtenFiles(table)).toEqual(await neededFiles(table));
  });

  test('an operation that does not say which files it uses keeps all it wrote', async () => {
    const table = await newTestTable();
    const { plan, name } = append('ours');
    const silent: TableOperation = {
      name,
      plan: async (context) => ({ updates: (await plan(context)).updates }),
    };
    const { request } = await prepareTransaction(await table.load(), [silent], { io: table.io });
    await table.catalog.commitTable(table.identifier, request);
    expect(await liveFiles(table)).toEqual(['ours']);
  });
});

test('a branch that is made in the same commit as its main moves asserts main as it was', async () => {
  const table = await newTestTable();
  const { attempts } = await table.commit([
    append('one'),
    fastAppend({ dataFiles: [dataFile('two')], branch: 'audit' }),
  ]);
  expect(attempts).toBe(1);
  expect(await liveFiles(table, 'audit')).toEqual(['one', 'two']);
});

test('an abort while a reply is lost does not keep the outcome from being looked up, once', async () => {
  const abort = new AbortController();
  const { table, commit, catalog } = await runWith(async () => {
    abort.abort();
    return 'lose-reply';
  });
  const wait = async (_: number, signal?: AbortSignal): Promise<void> => signal?.throwIfAborted();
  expect(await codeOf(commit(append('ours'), { signal: abort.signal, wait }))).toBe('committed');
  expect(catalog.sent).toHaveLength(1);
  expect(await liveFiles(table)).toEqual(['first', 'ours']);
});

test('an abort at any point is an outcome: committed, or nothing left of it, or unknown', async () => {
  const seen = new Set<string>();
  for (let point = 1; point < 30; point += 2) {
    for (const fault of ['deliver', 'lose-reply', 'lose-request'] as const) {
      const { table, catalog } = await runWith(others(fault, append('theirs')), fault, 'deliver');
      const abort = new AbortController();
      let calls = 0;
      const tick = (): void => {
        calls += 1;
        if (calls === point) abort.abort();
      };
      const ticking = <T extends object>(target: T): T =>
        new Proxy(target, {
          get: (object, key) => {
            const value: unknown = Reflect.get(object, key);
            if (typeof value !== 'function') return value;
            return (...args: unknown[]) => {
              tick();
              return value.apply(object, args);
            };
          },
        });
      const wait = async (_: number, signal?: AbortSignal): Promise<void> => {
        tick();
        signal?.throwIfAborted();
      };
      const target = {
        catalog: ticking(catalog),
        identifier: table.identifier,
        io: ticking<FileIO>(table.io),
      };
      const code = await codeOf(
        commitTransaction(target, [append('ours')], { wait, retry, signal: abort.signal }),
      );
      seen.add(code);
      const isThere = (await liveFiles(table)).includes('ours');
      if (code === 'committed') expect(isThere).toBe(true);
      else expect(['AbortError', 'COMMIT_STATE_UNKNOWN', 'COMMIT_CONFLICT']).toContain(code);
      if (code === 'AbortError' && fault === 'deliver') {
        expect(isThere).toBe(false);
        expect(writtenFiles(table)).toEqual(await neededFiles(table));
      }
      if (isThere && code !== 'committed') expect(code).toBe('COMMIT_STATE_UNKNOWN');
    }
  }
  expect([...seen].sort()).toEqual(['AbortError', 'COMMIT_STATE_UNKNOWN', 'committed']);
});
