import type { CaseEvent, CaseOpened, Sealed } from '../domain/events.ts';
import { type CaseVault, PERSONAL_FIELDS } from './vault.ts';

/** Personal texts in clear, by the place in the event's data; null where the key was destroyed. */
export type PersonalTexts = { readonly [field: string]: string | null };

/**
 * The personal text of an event in clear.
 *
 * @param vault that of the event's case; null where its key was destroyed
 */
export function personalTexts(event: CaseEvent, vault: CaseVault | null): PersonalTexts {
  const opened = (field: string, text: Sealed): string | null => vault?.open(field, text) ?? null;
  switch (event.type) {
    case 'TaskReceived':
      return { description: opened(PERSONAL_FIELDS.description, event.data.description) };
    case 'DecisionRecommended': {
      const { rawText } = event.data;
      return rawText ? { rawText: opened(PERSONAL_FIELDS.rawText, rawText) } : {};
    }
    case 'CaseNoteAdded':
      return { text: opened(PERSONAL_FIELDS.note, event.data.text) };
    case 'ReviewDecided': {
      const { note } = event.data;
      return note ? { note: opened(PERSONAL_FIELDS.reviewNote, note) } : {};
    }
    case 'ActionOutcomeResolved': {
      const note = event.data.review?.note;
      return note ? { 'review.note': opened(PERSONAL_FIELDS.outcomeNote, note) } : {};
    }
    case 'CaseOpened':
      return Object.fromEntries(
        Object.entries(attributesInClear(event.data, vault)).map(([name, text]) => [
          `personalAttributes.${name}`,
          text,
        ]),
      );
    default:
      return {};
  }
}

/** The personal attributes of a case in clear; null where the key was destroyed. */
export const attributesInClear = (
  { personalAttributes }: Pick<CaseOpened['data'], 'personalAttributes'>,
  vault: CaseVault | null,
): Record<string, string | null> =>
  Object.fromEntries(
    Object.entries(personalAttributes).map(([name, sealed]) => [
      name,
      vault?.open(PERSONAL_FIELDS.attribute(name), sealed) ?? null,
    ]),
  );
