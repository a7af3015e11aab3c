const HEIGHT = 8;
const WIDTH = 72;

/** One line of a plot: values over time, drawn with this character. */
export type Line = { readonly mark: string; readonly name: string; readonly values: readonly number[] };

/** A small plot of lines over the same time, from 0 to their largest value. Each column is the mean of its samples. */
export function plot(title: string, lines: readonly Line[]): string {
  const columns = lines.map(({ values }) => meansOf(values));
  const most = Math.max(1, ...columns.flat().filter((value) => !Number.isNaN(value)));
  const rows = Array.from({ length: HEIGHT }, () => Array<string>(WIDTH).fill(' '));
  lines.forEach(({ mark }, index) => {
    columns[index]?.forEach((value, column) => {
      const row = rows[HEIGHT - 1 - Math.min(HEIGHT - 1, Math.floor((value / most) * HEIGHT))];
      if (row) row[column] = mark;
    });
  });
  const legend = lines.map(({ mark, name }) => `${mark} ${name}`).join(', ');
  const label = (index: number): string =>
    (index === 0 ? most.toFixed(0) : index === HEIGHT - 1 ? '0' : '').padStart(7);
  return [`${title}: ${legend}`, ...rows.map((row, index) => `${label(index)} |${row.join('')}`)].join('\n');
}

function meansOf(values: readonly number[]): number[] {
  const width = Math.min(WIDTH, values.length);
  return Array.from({ length: width }, (_, column) => {
    const part = values.slice(
      Math.floor((column * values.length) / width),
      Math.floor(((column + 1) * values.length) / width),
    );
    return part.reduce((sum, value) => sum + value, 0) / part.length;
  });
}
