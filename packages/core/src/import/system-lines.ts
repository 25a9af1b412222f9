// Tells what somebody wrote from what WhatsApp itself wrote into the chat ("Ada changed the subject to …").
// It cannot know every language; where it is in doubt a line stays a message, since losing one is worse.

import { MARKS } from './header.ts';

/** What follows the head of a line, taken apart. */
export type Said = { readonly name: string; readonly text: string } | 'system';

const NAME_AND_TEXT = /^([^\n]*?)\s?:(?:\s|$)([\s\S]*)$/;

// Verbs with which WhatsApp reports on groups, as they stand behind a name. Names do not hold them.
const REPORTS = new RegExp(
  ' (?:' +
    [
      '(?:created|changed|added|removed|left|joined|pinned|turned|updated|reset|invited)',
      '(?:has|have|was|were|are|is) (?:added|removed|changed|now)',
      'hat .*(?:geändert|erstellt|hinzugefügt|entfernt|verlassen|angeheftet)',
      '(?:cambió|creó|añadió|eliminó|salió|fijó)',
      'a (?:changé|créé|ajouté|retiré|quitté|modifié|épinglé)',
      '(?:mudou|criou|adicionou|removeu|saiu|alterou|fixou)',
      'ha (?:cambiato|creato|aggiunto|rimosso|modificato|abbandonato)',
      'heeft .*(?:gewijzigd|aangemaakt|toegevoegd|verwijderd)',
      '(?:изменила?|создала?|добавила?|удалила?|покинула?)',
      '(?:değiştirdi|oluşturdu|ekledi|çıkardı)',
      '(?:غيّر|غيّرت|غير|أنشأ|أنشأت|أضاف|أضافت|أزال|أزالت)',
    ].join('|') +
    ')(?![\\p{L}\\p{N}])',
  'u',
);
const KOREAN_REPORT = /님이 .*(?:변경|생성|추가|초대|내보)/u;

// The notice at the head of every chat.
const ENCRYPTION =
  /end-to-end|Ende-zu-Ende|extremo a extremo|bout en bout|ponta a ponta|сквозн|uçtan uca|종단간|端對端|端到端|エンドツーエンド|التشفير/iu;

/**
 * Takes a line apart behind its head.
 *
 * Android writes a system line without a name; it may hold ": " all the same. An iPhone gives it a name
 * (a person's or the group's) and begins its text with U+200E, as it does with media.
 */
export function takeApart(rest: string): Said {
  const match = NAME_AND_TEXT.exec(rest);
  if (!match) return 'system';
  const name = cleanName(match[1] ?? '');
  const raw = match[2] ?? '';
  if (name === '' || hasOpenQuote(name) || REPORTS.test(name) || KOREAN_REPORT.test(name)) return 'system';
  const text = raw.replace(/^\u200e+/, '');
  return text !== raw && isReport(name, text) ? 'system' : { name, text };
}

/** A name without marks, without the `~` of people who are no contacts, with plain spaces. */
export const cleanName = (name: string): string =>
  name.replace(MARKS, '').replace(/\s+/g, ' ').trim().replace(/^~ ?/, '').trim();

function isReport(name: string, text: string): boolean {
  const firstLine = text.split('\n', 1)[0] ?? '';
  if (ENCRYPTION.test(firstLine)) return true;
  const plain = cleanName(firstLine);
  return plain.startsWith(`${name} `) || (REPORTS.test(plain) && !/omitted$|^</.test(plain));
}

/** `Ada created group "Trip` has one; `Robert "Bob" Smith` has not. */
function hasOpenQuote(name: string): boolean {
  const straight = name.split('"').length - 1;
  const curly = count(name, /[“„«「]/g) - count(name, /[”»」]/g);
  return straight % 2 === 1 || (curly > 0 && !/„[^“]*“/.test(name));
}

const count = (text: string, pattern: RegExp): number => text.match(pattern)?.length ?? 0;
