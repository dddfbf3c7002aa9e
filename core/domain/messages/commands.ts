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
/** What the shell takes as one word: quoted text, and characters that need no quotes. */
const shellWord = String.raw`(?:'[^']*'|\\'|"[^"]*"|[^\s;,()'"])+`;

/**
 * One of our commands in a text, as a regular expression: up to its last word, or to the end of a part of a sentence.
 */
export const commandInText = `${begin}${shellWord}(?: +${shellWord})*`;

/** Verbs that also work in a further vault. */
const anywhere = ['list', 'show', 'verify', 'restore', 'drill', 'rotate', 'remove', 'pull', 'pin', 'unpin', 'unlock'];
const inVault = new RegExp(`${begin}(${anywhere.join('|')})\\b(?!(?: +${shellWord})* +--vault\\b)`, 'g');

/**
 * Completes the commands in a text with the configuration and the further vault, if whoever copies them needs that:
 * `nightjar -c other.yaml list --vault offsite shop`. Backups come into a further vault by `nightjar copy`. Without
 * either, nothing changes.
 */
export function naming(configuration: string | undefined, vault?: string): (text: string) => string {
  const there = vault === undefined ? (text: string) => text : namingVault(vault);
  if (configuration === undefined) return there;
  const option = `-c ${word(configuration.startsWith('-') ? `./${configuration}` : configuration)}`;
  return (text) => there(text).replace(new RegExp(`${begin}(?!-c )`, 'g'), () => `nightjar ${option} `);
}

function namingVault(vault: string): (text: string) => string {
  const backup = new RegExp(`${begin}backup\\b`, 'g');
  return (text) =>
    text
      .replace(backup, 'nightjar copy')
      .replace(inVault, (_, verb: string) => `nightjar ${verb} --vault ${word(vault)}`);
}
