import { expect, it, vi } from 'vitest';
import { createScenario } from './support/scenario.ts';

it('builds anew when the table changed though no ref moved: the old request may never be accepted', async () => {
  await using scenario = await createScenario();
  const { log } = await scenario.start();
  await scenario.book.append(log, 3);
  scenario.faults.onCommit = async (call) => {
    if (call.number === 2) {
      // Somebody whose clock is ten minutes ahead: our snapshot is now too old for the table.
      const ahead = Date.now() + 600_000;
      const clock = vi.spyOn(Date, 'now').mockReturnValue(ahead);
      await scenario.other.setProperty('comment', 'new').finally(() => clock.mockRestore());
    }
    return call.land();
  };
  await log.flush();
  expect(await scenario.judge()).toMatchObject({ rows: 3 });
});
