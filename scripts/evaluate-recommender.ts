/** Measures the local recommender: `npm run evaluate-recommender`. Reads playbooks and test data; calls nothing. */
import { readFileSync } from 'node:fs';
import { parsePlaybook } from '../src/domain/playbook.ts';
import { createLocalRecommender } from '../src/recommender/local/localRecommender.ts';
import { type Answer, answer, CLAIM, crossValidate, figuresOf } from './recommenderEvaluation.ts';

const path = (file: string): URL => new URL(`../${file}`, import.meta.url);
const load = (file: string) => parsePlaybook(readFileSync(path(file), 'utf8'), file);
const lines = (file: string): { text: string; lang: string }[] =>
  readFileSync(path(file), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
const print = (line: string): void => {
  process.stdout.write(`${line}\n`);
};
const percent = (share: number): string => `${(100 * share).toFixed(1)} %`.padStart(8);

function printRow(name: string, answers: readonly Answer[]): void {
  const { texts, accuracy, coverage, precision, wrong, wronglyAccepted } = figuresOf(answers);
  const counts = `${String(wrong).padStart(6)} ${String(wronglyAccepted).padStart(14)}`;
  print(
    `${name.padEnd(26)} ${String(texts).padStart(5)} ${percent(accuracy)} ${percent(coverage)} ${percent(precision)} ${counts}`,
  );
}

const insurance = load('examples/insurance/playbook.yaml');
const languages = new Map(lines('test/data/task-texts.jsonl').map(({ text, lang }) => [text, lang]));
const answers = await crossValidate(insurance);

print(`examples/insurance/playbook.yaml, cross-validated; claimed means confidence >= ${CLAIM}`);
print(
  `${''.padEnd(26)} texts accuracy  claimed precision  wrong wrong at manual`.replace('precision', 'precise'),
);
printRow('all', answers);
for (const language of ['en', 'de', 'es']) {
  printRow(
    `language ${language}`,
    answers.filter(({ text }) => languages.get(text) === language),
  );
}
for (const intent of Object.keys(insurance.intents)) {
  printRow(
    `given ${intent}`,
    answers.filter(({ given }) => given === intent),
  );
}

const standard = load('config/playbook.yaml');
print('');
print('config/playbook.yaml, cross-validated');
printRow('all', await crossValidate(standard));

const recommender = createLocalRecommender(standard, { monotonicMs: () => performance.now() });
const paraphrases: Answer[] = [];
for (const { text } of lines('test/data/readme-paraphrases.jsonl')) {
  paraphrases.push(await answer(recommender, text, 'RETRY_EXTERNAL_CALL'));
}
print('');
print("config/playbook.yaml, paraphrases of the README's sentence that it has not seen");
printRow('paraphrases', paraphrases);
