import { word } from './text.ts';

const verbs = [
  'backup',
  'list',
  'show',
  'verify',
  'restore',
  'drill',
  'check',
  'rotate',
  'remove',
  'pull',
  'copy',
  'pin',
  'unpin',
  'accept',
  'unlock',
  'doctor',
  'cost',
  'key',
  'layer',
  'notify',
];
const begin = `(?<![\\w/.-])nightjar (?=(?:-c |(?:${verbs.join('|')})\\b))`;
/** What the shell takes for one word: quotes, and what needs none. */
const shellWord = String.raw`(?:'[^']*'|\\'|"[^"]*"|[^\s;,()'"])+`;

/** A command of ours in a text, as a regular expression: to the end of its words, or what ends a part of a sentence. */
export const commandInText = `${begin}${shellWord}(?: +${shellWord})*`;

/**
 * Makes the commands in a text name the configuration, where whoever copies them has to: `nightjar -c other.yaml check
 * shop`. Without one, nothing changes.
 */
export function naming(configuration: string | undefined): (text: string) => string {
  if (configuration === undefined) return (text) => text;
  const option = `-c ${word(configuration.startsWith('-') ? `./${configuration}` : configuration)}`;
  return (text) => text.replace(new RegExp(`${begin}(?!-c )`, 'g'), () => `nightjar ${option} `);
}
