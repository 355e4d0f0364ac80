import { describe, expect, it } from 'vitest';
import { COLUMNS, OWNER_PROPERTY } from '../src/table-layout.ts';
import { unknownOutcome } from './support/faulty-catalog.ts';
import { createScenario, type Scenario, TOPIC } from './support/scenario.ts';
import { ORDERS } from './support/workspace.ts';

type What = 'namespace' | 'table';
const kinds: readonly What[] = ['namespace', 'table'];

/** Loses the reply of every creation of one kind; those before `arriving` do not even arrive. Counts them. */
function loseReplies({ faults }: Scenario, lost: What, arriving: number): { sent: number } {
  const count = { sent: 0 };
  faults.onCreate = async (what, create) => {
    if (what !== lost) return create();
    count.sent += 1;
    if (count.sent >= arriving) await create();
    throw unknownOutcome();
  };
  return count;
}

/** Long waits between attempts: whoever needs one is noticed. */
const noSecondTry = { retry: { minDelayMs: 60_000, maxDelayMs: 60_000 }, openTimeoutMs: 5000 };

describe('a namespace or table whose creation has no reply', () => {
  it.each(kinds)('%s: that was made is loaded at once, and the topic opens', async (what) => {
    await using scenario = await createScenario();
    const count = loseReplies(scenario, what, 1);
    const { log } = await scenario.start(noSecondTry);
    expect(count.sent).toBe(1);
    await scenario.book.append(log, 5);
    await log.flush();
    expect(await scenario.judge()).toMatchObject({ rows: 5, first: 0 });
  });

  it.each(kinds)('%s: that was not made is made by a later attempt of the same opening', async (what) => {
    await using scenario = await createScenario();
    const count = loseReplies(scenario, what, 3);
    const { log } = await scenario.start();
    expect(count.sent).toBe(3);
    await scenario.book.append(log, 5);
    await log.flush();
    expect(await scenario.judge()).toMatchObject({ rows: 5, first: 0 });
  });

  it.each(kinds)('%s: that is never made: the opening says why, and the next one succeeds', async (what) => {
    await using scenario = await createScenario();
    loseReplies(scenario, what, Number.POSITIVE_INFINITY);
    const storage = await scenario.open({ openTimeoutMs: 1000 });
    await expect(storage.openTopic(TOPIC)).rejects.toMatchObject({
      code: 'CATALOG_UNAVAILABLE',
      message: expect.stringContaining(' could not be claimed: COMMIT_STATE_UNKNOWN: '),
      cause: { code: 'COMMIT_STATE_UNKNOWN' },
    });
    scenario.faults.onCreate = (_, create) => create();
    const log = await storage.openTopic(TOPIC);
    await scenario.book.append(log, 5);
    await log.flush();
    expect(await scenario.judge()).toMatchObject({ rows: 5, first: 0 });
  });

  it('the table: one that is made late, after it was made again and claimed, changes nothing', async () => {
    await using scenario = await createScenario();
    let late: (() => Promise<unknown>) | undefined;
    scenario.faults.onCreate = async (what, create) => {
      if (what === 'namespace' || late !== undefined) return create();
      late = create;
      throw unknownOutcome();
    };
    const { log } = await scenario.start();
    await expect(late?.()).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
    await scenario.book.append(log, 5);
    await log.flush();
    expect(await scenario.judge()).toMatchObject({ rows: 5, first: 0 });
  });

  it.each([
    ["somebody else's", COLUMNS, {}, 'TOPIC_COLLISION'],
    ['without a column that messages need', COLUMNS.slice(1), owned(), 'TABLE_INCOMPATIBLE'],
  ] as const)(
    'the table: one that is there instead and %s is not claimed',
    async (_, fields, properties, code) => {
      await using scenario = await createScenario();
      const { catalog } = scenario.space;
      scenario.faults.onCreate = async (what, create) => {
        if (what === 'namespace') return create();
        await catalog.createTable(ORDERS, { schema: { fields }, properties });
        throw unknownOutcome();
      };
      const storage = await scenario.open();
      for (let attempt = 0; attempt < 2; attempt += 1)
        await expect(storage.openTopic(TOPIC)).rejects.toMatchObject({ code });
      expect(scenario.calls).toEqual([]);
      expect(storage.listTopics()).toEqual([]);
    },
  );
});

function owned(): Record<string, string> {
  return { [OWNER_PROPERTY]: TOPIC };
}
