// Named stages with their times, so that a long run says where it is and where the time went.
export const say = (line) => process.stderr.write(`${line}\n`);

export function createStages() {
  const done = [];
  return {
    /** Runs one stage; a stage that throws or returns a non-zero code is a failed one. */
    async run(name, work) {
      const started = Date.now();
      say(`\n== ${name}`);
      let ok = false;
      try {
        const result = await work();
        ok = result === undefined || result === 0;
      } catch (error) {
        say(error.stack ?? String(error));
      }
      const seconds = (Date.now() - started) / 1000;
      done.push({ name, ok, seconds });
      say(`== ${name}: ${ok ? 'ok' : 'FAILED'} in ${seconds.toFixed(1)} s`);
      return ok;
    },
    /** Prints every stage with its time; returns whether all of them went well. */
    summary() {
      say('\nStages');
      for (const { name, ok, seconds } of done)
        say(`  ${ok ? 'ok    ' : 'FAILED'} ${seconds.toFixed(1).padStart(7)} s  ${name}`);
      return done.every(({ ok }) => ok);
    },
  };
}
