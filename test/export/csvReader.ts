/**
 * The records of a CSV file, by the grammar of RFC 4180 and nothing more: every record ends with CRLF, a field that holds a comma, a
 * quote or a line break is in quotes, quotes inside of it are doubled.
 *
 * @throws Error naming the place of what the grammar has not
 */
export function readCsv(text: string): string[][] {
  const records: string[][] = [];
  let record: string[] = [];
  let at = 0;
  while (at < text.length) {
    const [whole, quoted, plain] = FIELD.exec(text.slice(at)) ?? [];
    if (whole === undefined) throw new Error(`no field of RFC 4180 at ${at}: ${text.slice(at, at + 20)}`);
    record.push(quoted?.replaceAll('""', '"') ?? plain ?? '');
    at += whole.length;
    if (text[at] === ',') at += 1;
    else if (text.startsWith('\r\n', at)) {
      records.push(record);
      record = [];
      at += 2;
    } else throw new Error(`a field does not end at ${at}: ${text.slice(at, at + 20)}`);
  }
  if (record.length > 0) throw new Error('the last record does not end');
  return records;
}

const FIELD = /^(?:"((?:[^"]|"")*)"|([^",\r\n]*))/;
