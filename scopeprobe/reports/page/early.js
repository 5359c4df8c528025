// Before anything is drawn: what only the script can use is shown, what it replaces is not.
"use strict";

document.documentElement.classList.add("scripted");
