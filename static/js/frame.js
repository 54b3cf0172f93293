// What every page's frame does: theme, search, dialogs, toasts, fresh times.

import { showAlerts } from "./alerts.js";
import { keepCountsFresh } from "./counts.js";
import { keepTimesFresh } from "./times.js";
import { openDialogs } from "./dialogs.js";
import { closeMenus } from "./menus.js";
import { followRequests } from "./requests.js";
import { palette } from "./palette.js";
import { dismissable } from "./toasts.js";
import { themeChoice } from "./theme-choice.js";

themeChoice(document);
openDialogs(document);
closeMenus(document);
dismissable(document);
keepTimesFresh(document);
palette(document);
showAlerts(document);
keepCountsFresh(document);
followRequests(document);
