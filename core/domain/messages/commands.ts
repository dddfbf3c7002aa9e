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

/** Verbs that work in a further vault, too. */
const anywhere = ['list', 'show', 'verify', 'restore', 'drill', 'rotate', 'remove', 'pull', 'pin', 'unpin', 'unlock'];
const inVault = new RegExp(`${begin}(${anywhere.join('|')})\\b(?!(?: +${shellWord})* +--vault\\b)`, 'g');

/**
 * Makes the commands in a text name the configuration, and the further vault, where whoever copies them has to:
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
