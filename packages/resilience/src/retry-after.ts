const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const time = String.raw`(?<hour>\d\d):(?<minute>\d\d):(?<second>\d\d)`;

/** The three forms of RFC 9110 section 5.6.7: IMF-fixdate, and the obsolete ones of RFC 850 and asctime. */
const forms = [
  String.raw`\w{3}, (?<day>\d\d) (?<month>\w{3}) (?<year>\d{4}) ${time} GMT`,
  String.raw`\w{6,9}, (?<day>\d\d)-(?<month>\w{3})-(?<year>\d\d) ${time} GMT`,
  String.raw`\w{3} (?<month>\w{3}) (?<day>[ \d]\d) ${time} (?<year>\d{4})`,
].map((form) => new RegExp(`^${form}$`));

/**
 * The wait a `Retry-After` header asks for, in milliseconds from `nowMs` (epoch milliseconds, the server's clock if
 * it is known), as in RFC 9110 section 10.2.3: `120`, or a date. A date in the past is 0. `undefined` for a missing
 * header and for anything else, so that junk is as good as no header.
 */
export function parseRetryAfter(headerValue: string | null | undefined, nowMs: number): number | undefined {
  const value = headerValue?.trim();
  if (!value) return undefined;
  if (/^\d+$/.test(value)) return Math.min(Number(value) * 1000, Number.MAX_SAFE_INTEGER);
  const dateMs = parseHttpDate(value, nowMs);
  return dateMs === undefined ? undefined : Math.max(0, dateMs - nowMs);
}

function parseHttpDate(value: string, nowMs: number): number | undefined {
  for (const form of forms) {
    const fields = form.exec(value)?.groups;
    if (fields === undefined) continue;
    const [day, hour, minute, second] = ['day', 'hour', 'minute', 'second'].map((name) =>
      Number(fields[name]),
    ) as [number, number, number, number];
    const month = months.indexOf(fields['month'] as string);
    const year = fullYear(fields['year'] as string, nowMs);
    const dateMs = Date.UTC(year, month, day, hour, minute, second);
    // Date.UTC takes 31 February for 3 March; a leap second is the one surplus that is allowed.
    const fits = month >= 0 && new Date(Date.UTC(year, month, day)).getUTCDate() === day;
    return fits && hour < 24 && minute < 60 && second <= 60 ? dateMs : undefined;
  }
  return undefined;
}

/** Two digits that seem more than 50 years ahead mean the last year with these digits (RFC 9110 section 5.6.7). */
function fullYear(digits: string, nowMs: number): number {
  if (digits.length === 4) return Number(digits);
  const now = new Date(nowMs).getUTCFullYear();
  const year = now - (now % 100) + Number(digits);
  return year > now + 50 ? year - 100 : year;
}
