import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import type { FileIO, LoadedTable } from '@danube/iceberg';
import { loadTableMetadata } from '@danube/iceberg';
import { describe, expect, test } from 'vitest';
import type { OpenDatabase } from '../src/index.ts';
import { failure, localIO, openIn, orders, schema, setProperties, tempDir } from './support/fixture.ts';

const pathOf = (location: string) => fileURLToPath(location);
const metadataFiles = async (table: LoadedTable) =>
  (await readdir(pathOf(`${table.metadata.location}/metadata`))).sort();
const nameOf = (location: string) => location.slice(location.lastIndexOf('/') + 1);

async function withTable(more: Parameters<typeof openIn>[1] = {}, properties: Record<string, string> = {}) {
  const dir = await tempDir();
  const catalog = await openIn(dir, more);
  await catalog.createNamespace(['default']);
  const table = await catalog.createTable(orders, { schema, properties });
  return { dir, catalog, table };
}

/** Runs `around` in place of every UPDATE, once armed. */
function updating(around: (update: () => unknown) => unknown): { arm(): void; openDatabase: OpenDatabase } {
  let armed = false;
  return {
    arm: () => {
      armed = true;
    },
    openDatabase: (file, settings) => {
      const db = new DatabaseSync(file, settings);
      const prepare = db.prepare.bind(db);
      db.prepare = (sql) => {
        const statement = prepare(sql);
        if (!armed || !sql.startsWith('UPDATE')) return statement;
        const run = statement.run.bind(statement);
        statement.run = ((...args: Parameters<typeof run>) =>
          around(() => run(...args))) as typeof statement.run;
        return statement;
      };
      return db;
    },
  };
}

function sqliteError(errcode: number): Error {
  return Object.assign(new Error(`planted ${errcode}`), { code: 'ERR_SQLITE_ERROR', errcode });
}

describe('a commit', () => {
  test('writes a numbered metadata file and moves the row from the old to the new one', async () => {
    const { dir, catalog, table } = await withTable();
    expect(nameOf(table.metadataLocation)).toMatch(/^00000-[0-9a-f-]{36}\.metadata\.json$/);
    const committed = await catalog.commitTable(orders, setProperties({ a: '1' }));
    expect(nameOf(committed.metadataLocation)).toMatch(/^00001-[0-9a-f-]{36}\.metadata\.json$/);
    expect(committed.metadata.properties).toEqual({ a: '1' });
    expect(committed.metadata.metadataLog.map((entry) => entry.metadataFile)).toEqual([
      table.metadataLocation,
    ]);
    expect(await catalog.loadTable(orders)).toEqual(committed);
    const db = new DatabaseSync(join(dir, 'catalog.db'), { readOnly: true });
    expect({ ...db.prepare('SELECT * FROM iceberg_tables').get() }).toEqual({
      catalog_name: 'danube',
      table_namespace: 'default',
      table_name: 'orders',
      metadata_location: committed.metadataLocation,
      previous_metadata_location: table.metadataLocation,
      iceberg_type: 'TABLE',
    });
    db.close();
  });

  test('has its metadata file in place before the row names it', async () => {
    const dir = await tempDir();
    const seen: boolean[] = [];
    const io = await localIO(dir);
    const probe = updating((update) => {
      seen.push(written.has('00001'));
      return update();
    });
    const written = new Set<string>();
    const watched: FileIO = {
      ...io,
      writeFile: async (location, data, options) => {
        await io.writeFile(location, data, options);
        written.add(nameOf(location).slice(0, 5));
      },
    };
    const catalog = await openIn(dir, { io: watched, openDatabase: probe.openDatabase });
    await catalog.createNamespace(['default']);
    await catalog.createTable(orders, { schema });
    probe.arm();
    await catalog.commitTable(orders, setProperties({ a: '1' }));
    expect(seen).toEqual([true]);
  });

  test('without updates changes nothing', async () => {
    const { catalog, table } = await withTable();
    expect((await catalog.commitTable(orders, { requirements: [], updates: [] })).metadataLocation).toBe(
      table.metadataLocation,
    );
    expect(await metadataFiles(table)).toHaveLength(1);
  });

  test('that lost the race is applied to the newer state if its requirements hold there, else a conflict', async () => {
    const { dir, catalog, table } = await withTable();
    const other = await openIn(dir);
    const io = await localIO(dir);
    let interfere = async () => {};
    const slow: FileIO = {
      ...io,
      writeFile: async (location, data, options) => {
        await io.writeFile(location, data, options);
        const now = interfere;
        interfere = async () => {};
        await now();
      },
    };
    const raced = await openIn(dir, { io: slow });
    interfere = async () => void (await other.commitTable(orders, setProperties({ other: '1' })));
    const committed = await raced.commitTable(orders, setProperties({ ours: '1' }));
    expect(committed.metadata.properties).toEqual({ other: '1', ours: '1' });

    interfere = async () =>
      void (await other.commitTable(orders, {
        requirements: [],
        updates: [{ action: 'add-schema', schema: { ...schema, schemaId: 0, fields: moreFields } }],
      }));
    const asserting = raced.commitTable(orders, {
      requirements: [{ type: 'assert-last-assigned-field-id', lastAssignedFieldId: 2 }],
      updates: [{ action: 'set-properties', updates: { never: '1' } }],
    });
    await failure(asserting, 'COMMIT_CONFLICT');
    const after = await catalog.loadTable(orders);
    expect(after.metadata.properties).toEqual({ other: '1', ours: '1' });
    // Files of attempts that certainly lost are gone: what is left is the table and its metadata log.
    const named = [...after.metadata.metadataLog.map((entry) => entry.metadataFile), after.metadataLocation];
    expect(await metadataFiles(table)).toEqual(named.map(nameOf).sort());
  });

  test('that loses every race is a conflict in the end', async () => {
    const dir = await tempDir();
    const other = await openIn(dir);
    await other.createNamespace(['default']);
    await other.createTable(orders, { schema });
    const io = await localIO(dir);
    let commits = 0;
    const catalog = await openIn(dir, {
      io: {
        ...io,
        writeFile: async (location, data, options) => {
          await io.writeFile(location, data, options);
          commits += 1;
          await other.commitTable(orders, setProperties({ commits: String(commits) }));
        },
      },
    });
    const error = await failure(catalog.commitTable(orders, setProperties({ ours: '1' })), 'COMMIT_CONFLICT');
    expect(error.context.attempts).toBe(commits);
    expect((await other.loadTable(orders)).metadata.properties).toEqual({ commits: String(commits) });
  });

  test('to a table that is dropped meanwhile finds no table', async () => {
    const { catalog, dir } = await withTable();
    const io = await localIO(dir);
    const slow: FileIO = {
      ...io,
      writeFile: async (location, data, options) => {
        await io.writeFile(location, data, options);
        await catalog.dropTable(orders);
      },
    };
    const raced = await openIn(dir, { io: slow });
    await failure(raced.commitTable(orders, setProperties({ a: '1' })), 'TABLE_NOT_FOUND');
  });
});

describe('a database error at the commit point', () => {
  // 10 IOERR, 1034 IOERR_FSYNC, 13 FULL, 11 CORRUPT, 9 INTERRUPT: the statement may have got as far as the commit.
  test('that does not prove the contrary leaves the outcome unknown and every file in place', async () => {
    for (const errcode of [10, 1034, 13, 11, 9]) {
      for (const happened of [true, false]) {
        const planted = updating((update) => {
          if (happened) update();
          throw sqliteError(errcode);
        });
        const { catalog, table } = await withTable({ openDatabase: planted.openDatabase });
        planted.arm();
        const error = await failure(catalog.commitTable(orders, setProperties({ a: '1' })));
        expect(error.code).toBe('COMMIT_STATE_UNKNOWN');
        expect(await metadataFiles(table)).toHaveLength(2);
        const after = await catalog.loadTable(orders);
        expect(after.metadata.properties).toEqual(happened ? { a: '1' } : {});
      }
    }
  });

  // 5 BUSY, 517 BUSY_SNAPSHOT, 6 LOCKED, 15 PROTOCOL.
  test('that says that others are at work is waited out, and the commit is made once', async () => {
    for (const errcode of [5, 517, 6, 15]) {
      let left = 3;
      const planted = updating((update) => {
        left -= 1;
        if (left > 0) throw sqliteError(errcode);
        return update();
      });
      const { catalog, table } = await withTable({ openDatabase: planted.openDatabase });
      planted.arm();
      const committed = await catalog.commitTable(orders, setProperties({ a: '1' }));
      expect(left).toBe(0);
      expect(await metadataFiles(table)).toEqual(
        [table.metadataLocation, committed.metadataLocation].map(nameOf),
      );
    }
  });

  test('of a kind nobody foresaw is unknown too', async () => {
    const planted = updating((update) => {
      update();
      throw new Error('unforeseen');
    });
    const { catalog } = await withTable({ openDatabase: planted.openDatabase });
    planted.arm();
    await failure(catalog.commitTable(orders, setProperties({ a: '1' })), 'COMMIT_STATE_UNKNOWN');
    expect((await catalog.loadTable(orders)).metadata.properties).toEqual({ a: '1' });
  });

  test('that proves that nothing happened removes the new file', async () => {
    for (const [errcode, code] of [
      [8, 'ACCESS_DENIED'],
      [1, 'CATALOG_UNAVAILABLE'],
    ] as const) {
      const planted = updating(() => {
        throw sqliteError(errcode);
      });
      const { catalog, table } = await withTable({ openDatabase: planted.openDatabase });
      planted.arm();
      await failure(catalog.commitTable(orders, setProperties({ a: '1' })), code);
      expect(await metadataFiles(table)).toEqual([nameOf(table.metadataLocation)]);
    }
  });

  test('a file that cannot be written is no commit', async () => {
    const dir = await tempDir();
    const io = await localIO(dir);
    let broken = false;
    const catalog = await openIn(dir, {
      io: {
        ...io,
        writeFile: async (location, data, options) => {
          if (broken) throw new Error('disk on fire');
          await io.writeFile(location, data, options);
        },
      },
    });
    await catalog.createNamespace(['default']);
    const table = await catalog.createTable(orders, { schema });
    broken = true;
    await failure(catalog.commitTable(orders, setProperties({ a: '1' })), 'IO_ERROR');
    await failure(catalog.createTable({ ...orders, name: 'other' }, { schema }), 'IO_ERROR');
    broken = false;
    expect(await catalog.loadTable(orders)).toEqual(table);
    expect(await catalog.tableExists({ ...orders, name: 'other' })).toBe(false);
  });
});

describe('old metadata files', () => {
  const bounded = {
    'write.metadata.delete-after-commit.enabled': 'true',
    'write.metadata.previous-versions-max': '3',
  };

  test('go after the swap when the table says so, down to previous-versions-max', async () => {
    const { catalog, table } = await withTable({}, bounded);
    for (let i = 1; i <= 8; i += 1) {
      const state = await catalog.commitTable(orders, setProperties({ i: String(i) }));
      const kept = [...state.metadata.metadataLog.map((entry) => entry.metadataFile), state.metadataLocation];
      expect(kept).toHaveLength(Math.min(i, 3) + 1);
      expect(await metadataFiles(table)).toEqual(kept.map(nameOf).sort());
    }
  });

  test('stay otherwise, and the metadata log is still bounded', async () => {
    const { catalog, table } = await withTable({}, { 'write.metadata.previous-versions-max': '3' });
    for (let i = 1; i <= 6; i += 1) await catalog.commitTable(orders, setProperties({ i: String(i) }));
    expect((await catalog.loadTable(orders)).metadata.metadataLog).toHaveLength(3);
    expect(await metadataFiles(table)).toHaveLength(7);
  });

  test('stay when the outcome is unknown', async () => {
    const planted = updating(() => {
      throw sqliteError(10);
    });
    const { catalog, table } = await withTable({ openDatabase: planted.openDatabase }, bounded);
    for (let i = 1; i <= 5; i += 1) await catalog.commitTable(orders, setProperties({ i: String(i) }));
    const before = await metadataFiles(table);
    planted.arm();
    await failure(catalog.commitTable(orders, setProperties({ i: '6' })), 'COMMIT_STATE_UNKNOWN');
    expect(await metadataFiles(table)).toEqual(expect.arrayContaining(before));
  });

  test('that cannot be deleted do not fail the commit', async () => {
    const dir = await tempDir();
    const io = await localIO(dir);
    const catalog = await openIn(dir, { io: { ...io, deleteFile: () => Promise.reject(new Error('no')) } });
    await catalog.createNamespace(['default']);
    await catalog.createTable(orders, { schema, properties: bounded });
    for (let i = 1; i <= 6; i += 1) await catalog.commitTable(orders, setProperties({ i: String(i) }));
    expect((await catalog.loadTable(orders)).metadata.properties.i).toBe('6');
  });

  test('many that a lower previous-versions-max makes superfluous go in one call, whose failure is none of the commit', async () => {
    const dir = await tempDir();
    const io = await localIO(dir);
    const calls: number[] = [];
    const watched: FileIO = {
      ...io,
      deleteFiles: async (locations) => {
        calls.push(locations.length);
        if (calls.length === 1) throw new Error('down');
        return io.deleteFiles!(locations);
      },
    };
    const catalog = await openIn(dir, { io: watched });
    await catalog.createNamespace(['default']);
    const table = await catalog.createTable(orders, { schema, properties: bounded });
    const limit = (to: number) =>
      catalog.commitTable(orders, setProperties({ 'write.metadata.previous-versions-max': String(to) }));
    await limit(9);
    for (let i = 1; i <= 8; i += 1) await catalog.commitTable(orders, setProperties({ i: String(i) }));
    await limit(6);
    expect(await metadataFiles(table)).toHaveLength(11);
    const state = await limit(2);
    expect(calls).toEqual([4, 5]);
    const kept = [...state.metadata.metadataLog.map((entry) => entry.metadataFile), state.metadataLocation];
    expect(await metadataFiles(table)).toEqual(expect.arrayContaining(kept.map(nameOf)));
    // Those of the call that failed are orphans.
    expect(await metadataFiles(table)).toHaveLength(3 + 4);
  });

  test('a load that meets a file just removed by commits reads the row again', async () => {
    const { dir, table } = await withTable({}, { ...bounded, 'write.metadata.previous-versions-max': '1' });
    const writer = await openIn(dir);
    const io = await localIO(dir);
    let once = true;
    const reader = await openIn(dir, {
      io: {
        ...io,
        readFile: async (location) => {
          if (once) {
            once = false;
            for (let i = 1; i <= 3; i += 1) await writer.commitTable(orders, setProperties({ i: String(i) }));
          }
          return io.readFile(location);
        },
      },
    });
    expect((await reader.loadTable(orders)).metadata.properties.i).toBe('3');
    expect(await metadataFiles(table)).toHaveLength(2);
  });
});

test('a row that names a missing or damaged metadata file is a typed error that names table and file', async () => {
  const { dir, catalog, table } = await withTable();
  const io = await localIO(dir);
  await io.writeFile(table.metadataLocation, new TextEncoder().encode('{"format-version":2'));
  const damaged = await failure(catalog.loadTable(orders), 'INVALID_METADATA');
  await io.deleteFile(table.metadataLocation);
  const missing = await failure(catalog.loadTable(orders), 'IO_ERROR');
  expect(missing.retryable).toBe(false);
  for (const error of [
    damaged,
    missing,
    await failure(catalog.commitTable(orders, setProperties({ a: '1' }))),
  ]) {
    expect(error.message).toContain('default.orders');
    expect(error.message).toContain(table.metadataLocation);
    expect(error.context).toMatchObject({ identifier: orders, metadataLocation: table.metadataLocation });
  }
  expect(await catalog.tableExists(orders)).toBe(true);
  await failure(catalog.dropTable(orders, { purge: true }), 'IO_ERROR');
  expect(await catalog.tableExists(orders)).toBe(true);
  await catalog.dropTable(orders);
  expect(await catalog.tableExists(orders)).toBe(false);
});

test('what is committed is what a reader of the file finds', async () => {
  const { dir, catalog } = await withTable();
  const committed = await catalog.commitTable(orders, setProperties({ a: '1' }));
  expect(await loadTableMetadata(await localIO(dir), committed.metadataLocation)).toEqual(committed.metadata);
});

const moreFields = [...schema.fields, { id: 3, name: 'more', required: false, type: 'int' as const }];
