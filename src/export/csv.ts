/** What a field of a CSV file may be; null is an empty field. */
export type CsvValue = string | number | null;

/**
 * One record of a CSV file (RFC 4180), with its line end. A text that a spreadsheet would take for a formula gets an apostrophe in
 * front: it then shows the text and computes nothing (OWASP, CSV injection).
 */
export const csvRecord = (values: readonly CsvValue[]): string => `${values.map(csvField).join(',')}\r\n`;

const csvField = (value: CsvValue): string => quoted(inert(value === null ? '' : String(value)));

/** What begins a formula; the last four are what some spreadsheets take for the first four. */
const SIGN = String.raw`[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]`;
/** Where a cell may begin: a spreadsheet in a country that writes 0,95 splits records at semicolons, whatever quotes are around. */
const FORMULA = new RegExp(`^(?=${SIGN})|(?<=;)(?=[ "]*${SIGN})`, 'g');
const inert = (text: string): string => text.replace(FORMULA, "'");

const quoted = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
