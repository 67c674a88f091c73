const field = document.getElementById("token");
if (field) {
  field.value = location.hash.slice(1);
  // Out of the address bar and the history at once: whoever looks over a shoulder could still use it.
  history.replaceState(null, "", location.pathname + location.search);
}
