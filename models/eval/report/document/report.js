// Gives every table a button that copies it as tab-separated text a spreadsheet
// reads: thousands are not grouped, minus is a hyphen, a dash is an empty cell.
document.querySelectorAll('.scroll').forEach(function (box) {
  var table = box.querySelector('table'), button = document.createElement('button');
  button.type = 'button';
  button.className = 'copy';
  button.textContent = 'Copy table';
  button.setAttribute('aria-label', 'Copy the table ' + (table.getAttribute('aria-label') || ''));
  button.addEventListener('click', function () {
    var text = Array.from(table.rows, function (row) {
      return Array.from(row.cells, function (cell) {
        var whole = cell.cloneNode(true);
        whole.querySelectorAll('.rest>summary').forEach(function (s) { s.textContent = ','; });
        var s = whole.textContent.replace(/ ,/g, ', ').replace(/\s+/g, ' ').trim();
        return cell.classList.contains('num') && cell.tagName === 'TD'
          ? s.replace(/\u202f| /g, '').replace('\u2212', '-').replace(/^\u2013$/, '') : s;
      }).join('\t');
    }).join('\n');
    var area = document.createElement('textarea');
    area.value = text;
    area.style.position = 'fixed';
    document.body.appendChild(area);
    area.select();
    button.textContent = document.execCommand('copy') ? 'Copied' : 'Select and copy by hand';
    area.remove();
    button.focus();
    setTimeout(function () { button.textContent = 'Copy table'; }, 2000);
  });
  box.parentNode.insertBefore(button, box.nextSibling);
  if (box.scrollWidth > box.clientWidth + 1) {
    var hint = document.createElement('span');
    hint.className = 'hint';
    hint.textContent = 'scrolls sideways \u2192';
    box.parentNode.insertBefore(hint, button.nextSibling);
  }
});
