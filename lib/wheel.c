/*
 * wheel.c - lists in a circle, one per tick.
 *
 * Teaches:  why ten thousand idle connections need no ten thousand timers: of all of them only the slot of
 *           the present tick is touched.
 * Partner:  wheel.h; time_limits.c keeps connections in one.
 * Leaves out: wheels of hours above the wheel of minutes (Varghese and Lauck, 1987): what is due beyond the
 *           horizon is looked at once a turn, which costs little and saves a hierarchy.
 */
#include "wheel.h"

#include <stddef.h>

static void list_init(struct el_wheel_entry *head)
{
    head->next = head->previous = head;
}

static void list_append(struct el_wheel_entry *head, struct el_wheel_entry *entry)
{
    entry->previous = head->previous;
    entry->next = head;
    head->previous->next = entry;
    head->previous = entry;
}

void el_wheel_init(struct el_wheel *wheel)
{
    wheel->now = 0;
    for (size_t i = 0; i < EL_WHEEL_SLOTS; i++)
        list_init(&wheel->slot[i]);
}

void el_wheel_put(struct el_wheel *wheel, struct el_wheel_entry *entry, uint32_t ahead)
{
    if (ahead < 1)
        ahead = 1; /* the present tick's slot was visited already */
    if (ahead > EL_WHEEL_SLOTS - 1)
        ahead = EL_WHEEL_SLOTS - 1;
    list_append(&wheel->slot[(wheel->now + ahead) % EL_WHEEL_SLOTS], entry);
}

void el_wheel_take(struct el_wheel_entry *entry)
{
    entry->previous->next = entry->next;
    entry->next->previous = entry->previous;
    list_init(entry); /* so that taking it out twice does no harm */
}

/*
 * Visits what `head` holds now. The entries are moved to a list of our own first: the visitor may file one
 * into the same slot again, and must not see it twice; or take another out, which works in any list. [#own-list]
 */
static void visit_list(struct el_wheel_entry *head, el_wheel_visitor visit, void *arg)
{
    struct el_wheel_entry mine;
    list_init(&mine);
    if (head->next == head)
        return;
    mine = *head;
    mine.next->previous = mine.previous->next = &mine;
    list_init(head);
    while (mine.next != &mine) {
        struct el_wheel_entry *entry = mine.next;
        el_wheel_take(entry);
        visit(arg, entry);
    }
}

void el_wheel_turn(struct el_wheel *wheel, el_wheel_visitor visit, void *arg)
{
    wheel->now++;
    visit_list(&wheel->slot[wheel->now % EL_WHEEL_SLOTS], visit, arg);
}

void el_wheel_visit_all(struct el_wheel *wheel, el_wheel_visitor visit, void *arg)
{
    struct el_wheel_entry all;
    list_init(&all);
    for (size_t i = 0; i < EL_WHEEL_SLOTS; i++) {
        struct el_wheel_entry *head = &wheel->slot[i];
        while (head->next != head) {
            struct el_wheel_entry *entry = head->next;
            el_wheel_take(entry);
            list_append(&all, entry);
        }
    }
    visit_list(&all, visit, arg);
}
