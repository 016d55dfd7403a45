/**
 * The text of a JSON document, which people look at in terminals, too: what JSON lets stand although a
 * terminal obeys it (C1 control characters, bidirectional overrides) or hides it is written `\\uXXXX`.
 */
export function jsonText(value: unknown): string {
  return `${JSON.stringify(value, null, 2).replace(OBEYED, escaped)}\n`;
}

const OBEYED = /[\u007f-\u009f\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;

function escaped(character: string): string {
  return Array.from({ length: character.length }, (_, at) => {
    const unit = character.charCodeAt(at).toString(16).padStart(4, '0');
    return `\\u${unit}`;
  }).join('');
}
