import type { FileIO } from '@danube/iceberg';
import { expect } from 'vitest';
import type { PersistentStorage, TopicLog } from '../../src/index.ts';
import type { OffsetRange } from '../../src/ledger-case.ts';
import { judgeTable, type OracleReport } from '../../src/testing.ts';
import { type CommitCall, type Faults, withFaults } from './faulty-catalog.ts';
import { Ledgerbook } from './messages.ts';
import { OtherEngine } from './other-engine.ts';
import { createWorkspace, ORDERS, type Workspace } from './workspace.ts';

export const TOPIC = '/default/orders';

/** One topic over a catalog with a faulty network, and what its producers know. */
export interface Scenario {
  readonly space: Workspace;
  readonly faults: Faults;
  /** Commits that were sent, claims included. */
  readonly calls: CommitCall[];
  readonly book: Ledgerbook;
  readonly other: OtherEngine;
  /** Files somebody deleted; must stay empty. */
  readonly deleted: string[];
  /** Opens a storage over the faulty network. */
  open(options?: Parameters<Workspace['open']>[0]): Promise<PersistentStorage>;
  /** Opens a storage on the log directory and the topic in it. */
  start(options?: Parameters<Workspace['open']>[0]): Promise<{ storage: PersistentStorage; log: TopicLog }>;
  /** Ends a storage as a crash would: no waiting for the catalog. */
  crash(storage: PersistentStorage): Promise<void>;
  /** Runs the oracle on a fresh load and expects no violation. */
  judge(exempt?: readonly OffsetRange[]): Promise<OracleReport>;
  [Symbol.asyncDispose](): Promise<void>;
}

export async function createScenario(): Promise<Scenario> {
  const space = await createWorkspace();
  const { catalog, faults, calls } = withFaults(space.catalog);
  const deleted: string[] = [];
  const io: FileIO = {
    readFile: (location) => space.io.readFile(location),
    readRange: (location, start, end) => space.io.readRange(location, start, end),
    fileSize: (location) => space.io.fileSize(location),
    writeFile: (location, data, options) => space.io.writeFile(location, data, options),
    deleteFile: async (location) => {
      deleted.push(location);
    },
  };
  const book = new Ledgerbook();
  const open = (options: Parameters<Workspace['open']>[0] = {}) =>
    space.open({ resolve: () => ({ catalog, io }), closeTimeoutMs: 1, ...options });
  return {
    space,
    open,
    faults,
    calls,
    book,
    deleted,
    other: new OtherEngine(space.catalog, space.io, ORDERS),
    async start(options = {}) {
      const storage = await open(options);
      const log = await storage.openTopic(TOPIC);
      return { storage, log };
    },
    async crash(storage) {
      await storage.close();
    },
    async judge(exempt) {
      const { metadata } = await space.load();
      const report = await judgeTable({
        metadata,
        io: space.io,
        topic: TOPIC,
        acked: book.acked,
        wasSent: book.wasSent,
        ...(exempt === undefined ? {} : { exempt }),
      });
      expect(report.violations).toEqual([]);
      expect(deleted).toEqual([]);
      return report;
    },
    [Symbol.asyncDispose]: () => space[Symbol.asyncDispose](),
  };
}

/** A promise and its resolver. */
export function gate(): { readonly opened: Promise<void>; open(): void } {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}
