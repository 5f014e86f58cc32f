/** Reads the extension's settings, typed by their table. What runs something is read at machine scope alone, whatever a workspace says. */
import * as vscode from 'vscode';
import { settings, type SettingName } from './settings.ts';

type Value<N extends SettingName> = (typeof settings)[N]['default'] extends boolean ? boolean : (typeof settings)[N]['default'] extends string ? string : readonly string[];

/** A value of the wrong type, which a settings file may hold, counts as the default. */
export function readSetting<N extends SettingName>(name: N, resource?: vscode.Uri): Value<N> {
  const configuration = vscode.workspace.getConfiguration('siamscope', resource);
  const { scope, type, default: standard } = settings[name];
  const value: unknown = scope === 'machine' ? configuration.inspect(name)?.globalValue : configuration.get(name);
  const fits = type === 'array' ? Array.isArray(value) && value.every((item) => typeof item === 'string') : typeof value === type;
  return (fits ? value : standard) as Value<N>;
}

/** Where a setting is written so that it takes effect: over the workspace's own value where there is one, else for this machine. */
export function targetOf(name: SettingName): vscode.ConfigurationTarget {
  const found = vscode.workspace.getConfiguration('siamscope').inspect(name);
  if (found?.workspaceFolderValue !== undefined) return vscode.ConfigurationTarget.WorkspaceFolder;
  return found?.workspaceValue !== undefined ? vscode.ConfigurationTarget.Workspace : vscode.ConfigurationTarget.Global;
}
