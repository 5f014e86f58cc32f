/** A row of a list as an item of the editor's tree. */
import * as vscode from 'vscode';
import type { Row } from './runItem.ts';

export function treeItem(row: Row, collapsible = vscode.TreeItemCollapsibleState.None): vscode.TreeItem {
  const item = new vscode.TreeItem(row.label, collapsible);
  item.id = row.id;
  item.description = row.description;
  item.iconPath = new vscode.ThemeIcon(row.icon, row.colour === null ? undefined : new vscode.ThemeColor(row.colour));
  item.contextValue = row.contextValue;
  item.accessibilityInformation = { label: row.accessibleLabel };
  return item;
}

/** Markdown with the editor's icons, and without links to commands or HTML. */
export function tooltip(markdown: string): vscode.MarkdownString {
  const text = new vscode.MarkdownString(markdown, true);
  text.isTrusted = false;
  text.supportHtml = false;
  return text;
}
